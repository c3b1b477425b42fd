// SPDX-License-Identifier: BSD-3-Clause
// Tokens: signed by the access server, verified by agents, with libjwt; keys as JWK (RFC 7517).
// Runs on the thread of its owner.
#include "control/sip/token.h"

#include "control/sip/keyfile.h"

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX      4096
#define KEYS_MAX       16
#define KID_MAX	       64
#define CLOCK_SKEW_S   5
#define COORDINATE     32 // bytes of x and y on P-256
#define POINT	       (1 + 2 * COORDINATE)
#define COORDINATE_B64 43
#define PEM_MAX	       1024

// ---- base64url without padding (RFC 7515 appendix C)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// `out` has room for (length * 4 + 2) / 3 + 1 bytes.
static void base64url(const unsigned char *in, size_t length, char *out)
{
	uint32_t bits = 0;
	unsigned n = 0;
	for (size_t i = 0; i < length; i++) {
		bits = bits << 8 | in[i];
		for (n += 8; n >= 6; n -= 6)
			*out++ = alphabet[bits >> (n - 6) & 63];
	}
	if (n > 0)
		*out++ = alphabet[bits << (6 - n) & 63];
	*out = '\0';
}

// Returns the number of bytes, or -1: a strange character, no room, bits left over.
static int base64url_decode(const char *in, size_t length, unsigned char *out, size_t size)
{
	uint32_t bits = 0;
	unsigned n = 0;
	size_t bytes = 0;
	for (size_t i = 0; i < length; i++) {
		const char *found = in[i] != '\0' ? strchr(alphabet, in[i]) : NULL;
		if (found == NULL)
			return -1;
		bits = bits << 6 | (uint32_t)(found - alphabet);
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		if (bytes == size)
			return -1;
		out[bytes++] = (unsigned char)(bits >> n);
	}
	return n < 6 && (bits & ((1u << n) - 1)) == 0 ? (int)bytes : -1;
}

// ---- keys

// RFC 7638: SHA-256 of the required members in alphabetical order, base64url.
static void thumbprint(const char *x, const char *y, char kid[KID_MAX])
{
	char text[256];
	unsigned char md[32];
	unsigned length = sizeof(md);
	snprintf(text, sizeof(text), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
		x, y);
	EVP_Digest(text, strlen(text), md, &length, EVP_sha256(), NULL);
	base64url(md, sizeof(md), kid);
}

// The public point of an EC P-256 key. False if it is no such key.
static bool key_point(EVP_PKEY *key, unsigned char point[POINT])
{
	char group[32] = "";
	size_t length = 0;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_utf8_string_param(
		       key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0 &&
	       EVP_PKEY_get_octet_string_param(
		       key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, POINT, &length) == 1 &&
	       length == POINT && point[0] == POINT_CONVERSION_UNCOMPRESSED;
}

// A public key of a point; OpenSSL checks that it lies on the curve.
static EVP_PKEY *key_from_point(unsigned char point[POINT])
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, POINT),
		OSSL_PARAM_construct_end(),
	};
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

// ---- signing

struct token_signer {
	char *issuer;
	char kid[KID_MAX];
	char x[COORDINATE_B64 + 1], y[COORDINATE_B64 + 1];
	size_t pem_length;
	unsigned char pem[PEM_MAX]; // what libjwt takes; the private key
};

// A new key in PEM.
static ssize_t make_key(void *out, size_t size)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_secmem());
	ssize_t length = -EIO;

	if (key != NULL && bio != NULL &&
		PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		BIO_pending(bio) <= (int)size)
		length = BIO_read(bio, out, (int)size);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return length;
}

// What the tokens and the JWKS say of the key in `pem`. 0, or -EINVAL if it is no P-256 key.
static int take_key(struct token_signer *signer)
{
	unsigned char point[POINT];
	BIO *bio = BIO_new_mem_buf(signer->pem, (int)signer->pem_length);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
	int result = -EINVAL;

	if (key != NULL && key_point(key, point)) {
		base64url(point + 1, COORDINATE, signer->x);
		base64url(point + 1 + COORDINATE, COORDINATE, signer->y);
		thumbprint(signer->x, signer->y, signer->kid);
		result = 0;
	}
	EVP_PKEY_free(key);
	BIO_free(bio);
	return result;
}

struct token_signer *token_signer_new(const char *path, const char *issuer)
{
	struct token_signer *signer = calloc(1, sizeof(*signer));
	if (signer == NULL)
		return NULL;
	signer->issuer = strdup(issuer);
	ssize_t result = signer->issuer == NULL
				 ? -ENOMEM
				 : keyfile_get(path, signer->pem, sizeof(signer->pem), make_key);
	if (result > 0) {
		signer->pem_length = (size_t)result;
		result = take_key(signer);
	}
	if (result != 0) {
		token_signer_free(signer);
		errno = (int)-result;
		return NULL;
	}
	return signer;
}

void token_signer_free(struct token_signer *signer)
{
	if (signer == NULL)
		return;
	explicit_bzero(signer->pem, sizeof(signer->pem));
	free(signer->issuer);
	free(signer);
}

json_t *token_signer_jwks(const struct token_signer *signer)
{
	return json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:s}]}", "keys", "kty", "EC", "crv",
		"P-256", "x", signer->x, "y", signer->y, "kid", signer->kid, "alg", "ES256", "use",
		"sig");
}

static bool add_call(jwt_t *jwt, const struct token_call *call)
{
	return call == NULL || (jwt_add_grant(jwt, "aud", call->callee) == 0 &&
				       jwt_add_grant(jwt, "call_id", call->call_id) == 0);
}

char *token_sign(struct token_signer *signer, const char *aor, const char *fingerprint,
	const struct token_call *call, unsigned lifetime_s)
{
	jwt_t *jwt = NULL;
	char *encoded = NULL;
	char cnf[128];
	time_t now = time(NULL);
	if (strlen(fingerprint) > 64 || strpbrk(fingerprint, "\"\\") != NULL)
		return NULL;
	snprintf(cnf, sizeof(cnf), "{\"cnf\": {\"x5t#S256\": \"%s\"}}", fingerprint);
	if (jwt_new(&jwt) == 0 && jwt_add_grant(jwt, "iss", signer->issuer) == 0 &&
		jwt_add_grant(jwt, "sub", aor) == 0 && jwt_add_grants_json(jwt, cnf) == 0 &&
		add_call(jwt, call) && jwt_add_grant_int(jwt, "iat", now) == 0 &&
		jwt_add_grant_int(jwt, "exp", now + (time_t)lifetime_s) == 0 &&
		jwt_add_header(jwt, "kid", signer->kid) == 0 &&
		jwt_set_alg(jwt, JWT_ALG_ES256, signer->pem, (int)signer->pem_length) == 0)
		encoded = jwt_encode_str(jwt);
	jwt_free(jwt);
	return encoded;
}

// ---- verifying

struct verify_key {
	char kid[KID_MAX];
	char *pem;
	int pem_length;
};

struct token_verifier {
	unsigned n;
	struct verify_key keys[KEYS_MAX];
};

static bool coordinate(const json_t *jwk, const char *name, unsigned char out[COORDINATE])
{
	const char *text = json_string_value(json_object_get(jwk, name));
	return text != NULL && strlen(text) == COORDINATE_B64 &&
	       base64url_decode(text, COORDINATE_B64, out, COORDINATE) == COORDINATE;
}

static bool jwk_is(const json_t *jwk, const char *name, const char *value, bool required)
{
	const json_t *member = json_object_get(jwk, name);
	if (member == NULL)
		return !required;
	return json_is_string(member) && strcmp(json_string_value(member), value) == 0;
}

// Reads one key of a JWKS. False if it is not for us: another kind, another use, not on the curve.
static bool read_jwk(const json_t *jwk, struct verify_key *out)
{
	unsigned char point[POINT] = {POINT_CONVERSION_UNCOMPRESSED};
	const char *kid = json_string_value(json_object_get(jwk, "kid"));
	if (!jwk_is(jwk, "kty", "EC", true) || !jwk_is(jwk, "crv", "P-256", true) ||
		!jwk_is(jwk, "alg", "ES256", false) || !jwk_is(jwk, "use", "sig", false) ||
		!coordinate(jwk, "x", point + 1) || !coordinate(jwk, "y", point + 1 + COORDINATE) ||
		kid == NULL || kid[0] == '\0' || strlen(kid) >= sizeof(out->kid))
		return false;
	EVP_PKEY *key = key_from_point(point);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	out->pem = NULL;
	if (key != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1) {
		out->pem_length = (int)BIO_get_mem_data(bio, &text);
		out->pem = strndup(text, (size_t)out->pem_length);
		memcpy(out->kid, kid, strlen(kid) + 1);
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return out->pem != NULL;
}

struct token_verifier *token_verifier_new(const json_t *jwks)
{
	struct token_verifier *verifier = calloc(1, sizeof(*verifier));
	const json_t *keys = json_object_get(jwks, "keys");
	if (verifier == NULL)
		return NULL;
	for (size_t i = 0; i < json_array_size(keys) && verifier->n < KEYS_MAX; i++)
		if (read_jwk(json_array_get(keys, i), &verifier->keys[verifier->n]))
			verifier->n++;
	if (verifier->n == 0) {
		free(verifier);
		return NULL;
	}
	return verifier;
}

void token_verifier_free(struct token_verifier *verifier)
{
	if (verifier == NULL)
		return;
	for (unsigned i = 0; i < verifier->n; i++)
		free(verifier->keys[i].pem);
	free(verifier);
}

// Three parts of base64url, neither longer than any token of ours.
static bool well_formed(const char *token)
{
	size_t length = strnlen(token, TOKEN_MAX + 1), dots = 0;
	if (length > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (token[i] == '.')
			dots++;
		else if (strchr(alphabet, token[i]) == NULL)
			return false;
	}
	return dots == 2;
}

// The key that the header names, if the header says ES256: what a token says of itself may choose
// among our keys, never the algorithm.
static const struct verify_key *choose_key(
	const struct token_verifier *verifier, const char *token, enum token_result *result)
{
	unsigned char text[1024];
	const struct verify_key *key = NULL;
	*result = TOKEN_MALFORMED;
	int length = base64url_decode(token, strcspn(token, "."), text, sizeof(text));
	if (length <= 0)
		return NULL;
	json_t *header = json_loadb((char *)text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
	const char *kid = json_string_value(json_object_get(header, "kid"));
	if (kid != NULL && jwk_is(header, "alg", "ES256", true) &&
		json_object_get(header, "crit") == NULL) {
		*result = TOKEN_BAD_SIGNATURE; // by a key that we do not know
		for (unsigned i = 0; i < verifier->n && key == NULL; i++)
			if (strcmp(verifier->keys[i].kid, kid) == 0)
				key = &verifier->keys[i];
	}
	json_decref(header);
	return key;
}

static bool copy_string(const json_t *value, char *out, size_t size)
{
	const char *text = json_string_value(value);
	if (text == NULL || text[0] == '\0' || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

// Both that bind a token to one call, or neither.
static bool read_call(const json_t *grants, struct token_claims *claims)
{
	const json_t *callee = json_object_get(grants, "aud");
	const json_t *call_id = json_object_get(grants, "call_id");
	if (callee == NULL && call_id == NULL)
		return true;
	return copy_string(callee, claims->callee, sizeof(claims->callee)) &&
	       copy_string(call_id, claims->call_id, sizeof(claims->call_id));
}

// The claims of a token whose signature is right.
static enum token_result read_claims(jwt_t *jwt, struct token_claims *claims)
{
	char *text = jwt_get_grants_json(jwt, NULL);
	json_t *grants = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *cnf = json_object_get(grants, "cnf");
	const json_t *expires = json_object_get(grants, "exp");
	const json_t *not_before = json_object_get(grants, "nbf");
	enum token_result result = TOKEN_MALFORMED;
	time_t now = time(NULL);
	if (copy_string(json_object_get(grants, "sub"), claims->aor, sizeof(claims->aor)) &&
		copy_string(json_object_get(cnf, "x5t#S256"), claims->fingerprint,
			sizeof(claims->fingerprint)) &&
		read_call(grants, claims) && json_is_integer(expires)) {
		claims->expires = (time_t)json_integer_value(expires);
		result = TOKEN_OK;
		if (claims->expires < now - CLOCK_SKEW_S ||
			json_integer_value(not_before) > now + CLOCK_SKEW_S)
			result = TOKEN_EXPIRED;
	}
	json_decref(grants);
	free(text);
	return result;
}

enum token_result token_verify(
	const struct token_verifier *verifier, const char *token, struct token_claims *claims)
{
	enum token_result result = TOKEN_MALFORMED;
	jwt_t *jwt = NULL;
	memset(claims, 0, sizeof(*claims));
	if (!well_formed(token))
		return TOKEN_MALFORMED;
	const struct verify_key *key = choose_key(verifier, token, &result);
	if (key == NULL)
		return result;
	int error = jwt_decode(&jwt, token, (const unsigned char *)key->pem, key->pem_length);
	if (error != 0)
		return error == EINVAL ? TOKEN_BAD_SIGNATURE : TOKEN_MALFORMED;
	result = jwt_get_alg(jwt) == JWT_ALG_ES256 ? read_claims(jwt, claims) : TOKEN_BAD_SIGNATURE;
	jwt_free(jwt);
	if (result != TOKEN_OK)
		memset(claims, 0, sizeof(*claims));
	return result;
}

const char *token_result_text(enum token_result result)
{
	switch (result) {
	case TOKEN_OK:
		return "valid";
	case TOKEN_MALFORMED:
		return "malformed";
	case TOKEN_BAD_SIGNATURE:
		return "bad signature or unknown key";
	case TOKEN_EXPIRED:
		return "expired";
	}
	return "unknown";
}
