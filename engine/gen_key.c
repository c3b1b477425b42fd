// SPDX-License-Identifier: BSD-3-Clause
// HKDF of the generator's keys, by OpenSSL. Control thread.
#include "engine/gen_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define HASH	 32
#define INFO_MAX 96

static const char salt[] = "crowfly generator 1";

struct gen_key {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx; // keyed
};

struct gen_key *gen_key_new(const char *secret)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end()};
	struct gen_key *key = calloc(1, sizeof(*key));
	uint8_t extracted[HASH];
	bool good = false;

	if (!key)
		return NULL;
	key->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	key->ctx = key->mac ? EVP_MAC_CTX_new(key->mac) : NULL;
	if (key->ctx && HMAC(EVP_sha256(), salt, sizeof(salt) - 1, (const uint8_t *)secret,
				strlen(secret), extracted, NULL))
		good = EVP_MAC_init(key->ctx, extracted, sizeof(extracted), params) == 1;
	explicit_bzero(extracted, sizeof(extracted));
	if (good)
		return key;
	gen_key_free(key);
	return NULL;
}

void gen_key_free(struct gen_key *key)
{
	if (!key)
		return;
	EVP_MAC_CTX_free(key->ctx);
	EVP_MAC_free(key->mac);
	free(key);
}

static size_t append_address(uint8_t *out, const struct session_addr *address)
{
	memcpy(out, &address->ip, sizeof(address->ip));
	out[16] = (uint8_t)(address->port >> 8);
	out[17] = (uint8_t)address->port;
	return 18;
}

static size_t make_info(uint8_t info[INFO_MAX], const struct session_addr *from,
	const struct session_addr *to, enum suite_id suite)
{
	const char *name = suite_table[suite].name;
	size_t n = append_address(info, from);

	n += append_address(info + n, to);
	memcpy(info + n, name, strlen(name));
	return n + strlen(name);
}

// T(n) of RFC 5869 section 2.3; `before` is T(n - 1), NULL for the first.
static bool expand(struct gen_key *key, const uint8_t *before, const uint8_t *info, size_t length,
	uint8_t n, uint8_t out[HASH])
{
	size_t size;

	return EVP_MAC_init(key->ctx, NULL, 0, NULL) == 1 &&
	       (!before || EVP_MAC_update(key->ctx, before, HASH) == 1) &&
	       EVP_MAC_update(key->ctx, info, length) == 1 &&
	       EVP_MAC_update(key->ctx, &n, 1) == 1 &&
	       EVP_MAC_final(key->ctx, out, &size, HASH) == 1 && size == HASH;
}

int gen_key_derive(struct gen_key *key, const struct session_addr *from,
	const struct session_addr *to, enum suite_id suite,
	uint8_t out[SUITE_KEY_MAX + SUITE_SALT_MAX])
{
	uint8_t info[INFO_MAX], bytes[2 * HASH];
	size_t n = make_info(info, from, to, suite);
	bool good = expand(key, NULL, info, n, 1, bytes) &&
		    expand(key, bytes, info, n, 2, bytes + HASH);

	if (good)
		memcpy(out, bytes, SUITE_KEY_MAX + SUITE_SALT_MAX);
	explicit_bzero(bytes, sizeof(bytes));
	return good ? 0 : -1;
}
