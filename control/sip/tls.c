// SPDX-License-Identifier: BSD-3-Clause
// TLS contexts and certificates (OpenSSL 3). Start-up and the event loop's thread.
#include "control/sip/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define ERROR_MAX	256
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:"
#define CERTIFICATE_S	(10L * 365 * 24 * 3600)

// ---- certificates

static int set_names(X509 *cert, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(cert);

	if (X509_NAME_add_entry_by_txt(
		    name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) != 1)
		return -EINVAL;
	return X509_set_issuer_name(cert, name) == 1 ? 0 : -EINVAL;
}

static int set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *number;
	int result = -EINVAL;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EINVAL;
	bytes[0] &= 0x7f; // positive, and of 127 bits (RFC 5280 section 4.1.2.2)
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL)
		result = 0;
	BN_free(number);
	return result;
}

static int set_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	int result;

	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (extension == NULL)
		return -EINVAL;
	result = X509_add_ext(cert, extension, -1) == 1 ? 0 : -EINVAL;
	X509_EXTENSION_free(extension);
	return result;
}

static X509 *new_certificate(EVP_PKEY *key, const char *common_name)
{
	X509 *cert = X509_new();

	if (cert == NULL)
		return NULL;
	if (X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) == 0 &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
		X509_gmtime_adj(X509_getm_notAfter(cert), CERTIFICATE_S) != NULL &&
		X509_set_pubkey(cert, key) == 1 && set_names(cert, common_name) == 0 &&
		set_extension(cert, NID_basic_constraints, "critical,CA:FALSE") == 0 &&
		set_extension(cert, NID_key_usage, "critical,digitalSignature") == 0 &&
		set_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") == 0 &&
		X509_sign(cert, key, EVP_sha256()) != 0)
		return cert;
	X509_free(cert);
	return NULL;
}

// A new file that its owner alone can read, complete on disk. NULL object: the other is written.
static int write_pem(const char *path, const X509 *cert, const EVP_PKEY *key)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = 0, wrote;
	FILE *file;

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (file == NULL) {
		result = -errno;
		close(fd);
		unlink(path);
		return result;
	}
	wrote = cert != NULL ? PEM_write_X509(file, cert)
			     : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	if (wrote != 1 || fflush(file) != 0 || fsync(fd) != 0)
		result = -EIO;
	if (fclose(file) != 0)
		result = -EIO;
	if (result != 0)
		unlink(path);
	return result;
}

// The directory's entry of a new name.
static void sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

// Written under other names first, so that whoever finds a file finds all of it. link() rather than
// rename(), so that no file is replaced. The key comes first: a certificate is used with its key.
static int publish(
	const char *cert_new, const char *cert_path, const char *key_new, const char *key_path)
{
	if (link(key_new, key_path) != 0)
		return -errno;
	if (link(cert_new, cert_path) != 0) {
		int result = -errno;
		unlink(key_path);
		return result;
	}
	sync_directory(key_path);
	sync_directory(cert_path);
	return 0;
}

static int write_both(
	const char *cert_path, const char *key_path, const X509 *cert, const EVP_PKEY *key)
{
	char *cert_new = NULL, *key_new = NULL;
	int result = -ENOMEM;

	if (asprintf(&cert_new, "%s.new.%d", cert_path, (int)getpid()) < 0)
		return -ENOMEM;
	if (asprintf(&key_new, "%s.new.%d", key_path, (int)getpid()) < 0)
		goto out;
	result = write_pem(key_new, NULL, key);
	if (result != 0)
		goto out_key;
	result = write_pem(cert_new, cert, NULL);
	if (result == 0)
		result = publish(cert_new, cert_path, key_new, key_path);
	unlink(cert_new);
	unlink(key_new);
out_key:
	free(key_new);
out:
	free(cert_new);
	return result;
}

int tls_make_certificate(const char *cert_path, const char *key_path, const char *common_name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key == NULL ? NULL : new_certificate(key, common_name);
	int result = cert == NULL ? -EINVAL : write_both(cert_path, key_path, cert, key);

	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return result;
}

int tls_fingerprint(const X509 *cert, char out[TLS_FINGERPRINT_MAX])
{
	unsigned char digest[32], base64[48];
	unsigned length = sizeof(digest);

	if (X509_digest(cert, EVP_sha256(), digest, &length) != 1 || length != sizeof(digest))
		return -EINVAL;
	EVP_EncodeBlock(base64, digest, sizeof(digest));
	for (unsigned i = 0; i < TLS_FINGERPRINT_MAX - 1; i++)
		out[i] = base64[i] == '+' ? '-' : base64[i] == '/' ? '_' : (char)base64[i];
	out[TLS_FINGERPRINT_MAX - 1] = '\0';
	return 0;
}

int tls_fingerprint_file(const char *cert_path, char out[TLS_FINGERPRINT_MAX])
{
	FILE *file = fopen(cert_path, "re");
	X509 *cert;
	int result;

	if (file == NULL)
		return -errno;
	cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	result = cert == NULL ? -EINVAL : tls_fingerprint(cert, out);
	X509_free(cert);
	ERR_clear_error();
	return result;
}

// ---- contexts

static SSL_CTX *fail(SSL_CTX *tls, char *error, const char *what, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	snprintf(error, ERROR_MAX, "%s%s%s: %s", what, path != NULL ? " " : "",
		path != NULL ? path : "", reason != NULL ? reason : "not possible");
	ERR_clear_error();
	SSL_CTX_free(tls);
	return NULL;
}

// No session is resumed: then every connection shows its certificate, and no ticket key is kept.
static int restrict_context(SSL_CTX *tls)
{
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_ENCRYPT_THEN_MAC);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_max_cert_list(tls, 32 * 1024);
	SSL_CTX_set_security_level(tls, 2);
	return SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
			       SSL_CTX_set_max_proto_version(tls, TLS1_3_VERSION) == 1 &&
			       SSL_CTX_set_ciphersuites(tls,
				       "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
				       "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
			       SSL_CTX_set_cipher_list(tls,
				       "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				       "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				       "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") ==
				       1
		       ? 0
		       : -EINVAL;
}

static SSL_CTX *new_context(
	const SSL_METHOD *method, const char *cert_path, const char *key_path, char *error)
{
	SSL_CTX *tls;

	ERR_clear_error();
	tls = SSL_CTX_new(method);
	if (tls == NULL || restrict_context(tls) != 0)
		return fail(tls, error, "TLS", NULL);
	if (cert_path == NULL)
		return tls;
	if (SSL_CTX_use_certificate_chain_file(tls, cert_path) != 1)
		return fail(tls, error, "certificate", cert_path);
	if (SSL_CTX_use_PrivateKey_file(tls, key_path, SSL_FILETYPE_PEM) != 1)
		return fail(tls, error, "key", key_path);
	if (SSL_CTX_check_private_key(tls) != 1)
		return fail(tls, error, "the key does not belong to the certificate", cert_path);
	return tls;
}

// Whoever holds the key is who the fingerprint says; there is no chain to check.
static int take_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

SSL_CTX *tls_server(const char *cert_path, const char *key_path, char *error)
{
	SSL_CTX *tls = new_context(TLS_server_method(), cert_path, key_path, error);

	if (tls != NULL)
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, take_any);
	return tls;
}

SSL_CTX *tls_client(const char *cert_path, const char *key_path, const char *ca_path, char *error)
{
	SSL_CTX *tls = new_context(TLS_client_method(), cert_path, key_path, error);

	if (tls == NULL)
		return NULL;
	if (ca_path != NULL && SSL_CTX_load_verify_file(tls, ca_path) != 1)
		return fail(tls, error, "trusted certificates", ca_path);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return tls;
}

// ---- connections

int tls_verify_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	// Empty would mean any name, a dot in front any below it
	if (*name == '\0' || *name == '.' || name[strspn(name, NAME_CHARACTERS)] != '\0')
		return -EINVAL;
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return 0;
	ERR_clear_error();
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NO_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
			       SSL_set_tlsext_host_name(ssl, name) == 1
		       ? 0
		       : -EINVAL;
}

static void free_pin(
	void *parent, void *pin, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	(void)parent, (void)data, (void)index, (void)argl, (void)argp;
	free(pin);
}

// Where a connection's pin is kept.
static int pin_index(void)
{
	static int pins = -1;

	if (pins < 0)
		pins = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_pin);
	return pins;
}

// For each certificate of the chain; the leaf's is the answer.
static int check_pin(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const char *pin = SSL_get_ex_data(ssl, pin_index());
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	char fingerprint[TLS_FINGERPRINT_MAX];

	(void)ok;
	if (leaf == NULL || pin == NULL || tls_fingerprint(leaf, fingerprint) != 0 ||
		!tls_fingerprint_equal(fingerprint, pin)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

int tls_verify_fingerprint(SSL *ssl, const char *fingerprint)
{
	char *pin;

	if (strlen(fingerprint) != TLS_FINGERPRINT_MAX - 1)
		return -EINVAL;
	pin = strdup(fingerprint);
	if (pin == NULL || pin_index() < 0 || SSL_set_ex_data(ssl, pin_index(), pin) != 1) {
		free(pin);
		return -EINVAL;
	}
	SSL_set_verify(ssl, SSL_VERIFY_PEER, check_pin);
	return 0;
}

int tls_peer_fingerprint(SSL *ssl, char out[TLS_FINGERPRINT_MAX])
{
	X509 *cert = SSL_get0_peer_certificate(ssl);

	return cert == NULL ? -ENOENT : tls_fingerprint(cert, out);
}

bool tls_fingerprint_equal(const char *a, const char *b)
{
	size_t length = strlen(a);

	return length == strlen(b) && CRYPTO_memcmp(a, b, length) == 0;
}

void tls_error(SSL *ssl, char *out, size_t size)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
	long verified = SSL_get_verify_result(ssl);

	if (verified == X509_V_ERR_APPLICATION_VERIFICATION)
		snprintf(out, size, "TLS: not the certificate that was expected");
	else if (verified != X509_V_OK)
		snprintf(out, size, "TLS: %s", X509_verify_cert_error_string(verified));
	else
		snprintf(out, size, "TLS: %s",
			reason != NULL ? reason : "the connection ended in the handshake");
	ERR_clear_error();
}
