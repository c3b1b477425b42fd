// SPDX-License-Identifier: BSD-3-Clause
// Sealing with AES-256-GCM; runs on the thread of its owner.
#include "control/access/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES   32
#define NONCE_BYTES 12
#define TAG_BYTES   16

struct seal {
	unsigned char key[KEY_BYTES];
};

static int read_key(const char *path, unsigned char key[KEY_BYTES])
{
	struct stat st;
	unsigned char more;
	int result = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		result = -errno;
	else if ((st.st_mode & 077) != 0)
		result = -EACCES;
	else if (read(fd, key, KEY_BYTES) != KEY_BYTES || read(fd, &more, 1) != 0)
		result = -EINVAL;
	close(fd);
	return result;
}

// Writes a file of its own and gives it its name only when it is whole. 0 or -errno; that another
// process was first is no error.
static int make_key(const char *path)
{
	unsigned char key[KEY_BYTES];
	char temporary[PATH_MAX];
	int result = 0;
	if (snprintf(temporary, sizeof(temporary), "%s.%d.new", path, (int)getpid()) >=
		(int)sizeof(temporary))
		return -ENAMETOOLONG;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (RAND_bytes(key, sizeof(key)) != 1 || write(fd, key, sizeof(key)) != sizeof(key) ||
		fsync(fd) != 0)
		result = -EIO;
	OPENSSL_cleanse(key, sizeof(key));
	close(fd);
	if (result == 0 && link(temporary, path) != 0 && errno != EEXIST)
		result = -errno;
	unlink(temporary);
	return result;
}

struct seal *seal_new(const char *path, bool make)
{
	struct seal *seal = calloc(1, sizeof(*seal));
	if (seal == NULL)
		return NULL;
	int result = read_key(path, seal->key);
	if (result == -ENOENT && make) {
		result = make_key(path);
		if (result == 0)
			result = read_key(path, seal->key);
	}
	if (result != 0) {
		seal_free(seal);
		errno = -result;
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
