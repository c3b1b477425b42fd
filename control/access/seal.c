// SPDX-License-Identifier: BSD-3-Clause
// Sealing with AES-256-GCM; runs on the thread of its owner.
#include "control/access/seal.h"

#include "control/sip/keyfile.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES   32
#define NONCE_BYTES 12
#define TAG_BYTES   16

struct seal {
	unsigned char key[KEY_BYTES];
};

static ssize_t make_key(void *out, size_t size)
{
	if (size < KEY_BYTES || RAND_bytes(out, KEY_BYTES) != 1)
		return -EIO;
	return KEY_BYTES;
}

struct seal *seal_new(const char *path, bool make)
{
	struct seal *seal = calloc(1, sizeof(*seal));
	if (seal == NULL)
		return NULL;
	ssize_t length = keyfile_get(path, seal->key, sizeof(seal->key), make ? make_key : NULL);
	if (length != KEY_BYTES) {
		seal_free(seal);
		errno = length < 0 ? (int)-length : EINVAL;
		return NULL;
	}
	return seal;
}

void seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	OPENSSL_cleanse(seal->key, sizeof(seal->key));
	free(seal);
}

int seal_close(const struct seal *seal, const char *name, const void *in, size_t length, void *out)
{
	unsigned char *nonce = out, *text = nonce + NONCE_BYTES, *tag = text + length;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	bool ok = ctx != NULL && RAND_bytes(nonce, NONCE_BYTES) == 1 &&
		  EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, nonce) == 1 &&
		  EVP_EncryptUpdate(
			  ctx, NULL, &n, (const unsigned char *)name, (int)strlen(name)) == 1 &&
		  EVP_EncryptUpdate(ctx, text, &n, in, (int)length) == 1 &&
		  EVP_EncryptFinal_ex(ctx, text + n, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int seal_open(const struct seal *seal, const char *name, const void *in, size_t length, void *out)
{
	const unsigned char *nonce = in, *text = nonce + NONCE_BYTES;
	if (length < SEAL_OVERHEAD)
		return -EBADMSG;
	size_t plain = length - SEAL_OVERHEAD;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	bool ok = ctx != NULL &&
		  EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, nonce) == 1 &&
		  EVP_DecryptUpdate(
			  ctx, NULL, &n, (const unsigned char *)name, (int)strlen(name)) == 1 &&
		  EVP_DecryptUpdate(ctx, out, &n, text, (int)plain) == 1 &&
		  EVP_CIPHER_CTX_ctrl(
			  ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, (void *)(text + plain)) == 1 &&
		  EVP_DecryptFinal_ex(ctx, (unsigned char *)out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		OPENSSL_cleanse(out, plain);
	return ok ? 0 : -EBADMSG;
}
