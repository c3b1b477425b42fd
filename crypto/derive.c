// SPDX-License-Identifier: BSD-3-Clause
// The AES counter mode key derivation of SRTP; control thread, when a context is made.
#include "crypto/derive.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#define DERIVE_BYTES_MAX 96

int derive_key(const uint8_t *key, size_t key_bytes, const uint8_t *salt, size_t salt_bytes,
	enum derive_label label, uint8_t *out, size_t bytes)
{
	static const uint8_t zero[DERIVE_BYTES_MAX];
	// x = label || r, at the end of the 112 bits of the salt; the counter is the last 16 bits
	uint8_t counter[16] = {0};
	memcpy(counter, salt, salt_bytes);
	counter[7] ^= label;

	EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
	int done = 0;
	bool ok = aes && bytes <= sizeof(zero) &&
		  EVP_EncryptInit_ex(aes, key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(),
			  NULL, key, counter) &&
		  EVP_EncryptUpdate(aes, out, &done, zero, (int)bytes) && done == (int)bytes;

	EVP_CIPHER_CTX_free(aes);
	explicit_bzero(counter, sizeof(counter));
	return ok ? 0 : -ENOMEM;
}
