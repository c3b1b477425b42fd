// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the verifier of tokens: nothing that is made without the key may be taken.
#include "control/sip/token.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// The key of RFC 7517 appendix A.1
	static const char jwks[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\","
				   "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
				   "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";
	static struct token_verifier *verifier;
	struct token_claims claims;
	if (verifier == NULL) {
		json_t *set = json_loads(jwks, 0, NULL);
		verifier = token_verifier_new(set);
		json_decref(set);
	}
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	assert(token_verify(verifier, text, &claims) != TOKEN_OK);
	assert(claims.aor[0] == '\0');
	free(text);
	json_t *set = json_loadb((const char *)data, size, 0, NULL);
	token_verifier_free(token_verifier_new(set));
	json_decref(set);
	return 0;
}
