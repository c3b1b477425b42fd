// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the readers of Authorization and WWW-Authenticate values: what is taken must fit, and what
// is answered must be read back.
#include "control/sip/digest.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct digest_nonces *nonces;
	static char answer[8192];
	struct digest_response response;
	char *text = malloc(size + 1); // exactly as long, for the address sanitizer
	if (nonces == NULL)
		nonces = digest_nonces_new(60, 16);
	memcpy(text, data, size);
	text[size] = '\0';
	if (digest_parse(text, &response) == 0) {
		assert(response.nc > 0 && strlen(response.user) < sizeof(response.user));
		// Nobody can guess the response to a password that is random
		assert(digest_check(nonces, DIGEST_SHA256, &response, "REGISTER", NULL) ==
			DIGEST_WRONG);
		assert(digest_check(nonces, DIGEST_MD5, &response, "REGISTER", NULL) ==
			DIGEST_WRONG);
	}
	if (digest_answer(
		    text, "REGISTER", "sip:r", "user", "password", 1, answer, sizeof(answer)) == 0)
		assert(digest_parse(answer, &response) == 0 && strcmp(response.user, "user") == 0 &&
			strpbrk(answer, "\r\n") == NULL);
	free(text);
	return 0;
}
