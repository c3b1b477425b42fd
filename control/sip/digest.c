// SPDX-License-Identifier: BSD-3-Clause
// HTTP digest authentication: challenges, answers and their check. Runs on the thread of its owner;
// no I/O.
#include "control/sip/digest.h"

#include "control/sip/nonce.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- hashes

static const struct {
	const char *name;
	const EVP_MD *(*md)(void);
	unsigned bytes;
} hashes[] = {
	[DIGEST_SHA256] = {"SHA-256", EVP_sha256, 32},
	[DIGEST_MD5] = {"MD5", EVP_md5, 16},
};

// The hash of up to eight strings with ':' between them, in hex.
static void hash_fields(enum digest_algorithm algorithm, const char *const fields[], unsigned n,
	char out[DIGEST_HEX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE] = {0};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex(ctx, hashes[algorithm].md(), NULL) != 1)
		abort(); // no such hash, no memory: nothing may be compared with a hash of nothing
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			EVP_DigestUpdate(ctx, ":", 1);
		EVP_DigestUpdate(ctx, fields[i], strlen(fields[i]));
	}
	if (EVP_DigestFinal_ex(ctx, md, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; i < hashes[algorithm].bytes; i++) {
		out[2 * i] = hex[md[i] >> 4];
		out[2 * i + 1] = hex[md[i] & 15];
	}
	out[2 * hashes[algorithm].bytes] = '\0';
	OPENSSL_cleanse(md, sizeof(md));
}

// 128 random bits.
static void random_hex(char out[33])
{
	unsigned char random[16];
	if (RAND_bytes(random, sizeof(random)) != 1)
		abort(); // what can be guessed is worse than none
	for (unsigned i = 0; i < sizeof(random); i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
}

void digest_ha1(enum digest_algorithm algorithm, const char *user, const char *realm,
	const char *password, char out[DIGEST_HEX])
{
	hash_fields(algorithm, (const char *const[]){user, realm, password}, 3, out);
}

// The response of RFC 7616 section 3.4.1 for qop=auth.
static void hash_response(enum digest_algorithm algorithm, const struct digest_response *r,
	const char *method, const char *ha1, char out[DIGEST_HEX])
{
	char ha2[DIGEST_HEX], nc[9];
	hash_fields(algorithm, (const char *const[]){method, r->uri}, 2, ha2);
	snprintf(nc, sizeof(nc), "%08x", r->nc);
	hash_fields(algorithm, (const char *const[]){ha1, r->nonce, nc, r->cnonce, "auth", ha2}, 6,
		out);
}

// Without a name it is MD5 (RFC 7616 section 3.4).
static bool is_algorithm(const char *name, enum digest_algorithm algorithm)
{
	return name[0] == '\0' ? algorithm == DIGEST_MD5
			       : strcasecmp(name, hashes[algorithm].name) == 0;
}

// ---- the server

struct digest_nonces {
	struct nonce_table *table;
	char no_ha1[2][DIGEST_HEX]; // stand in for the HA1 of a user who does not exist
};

struct digest_nonces *digest_nonces_new(unsigned lifetime_s, unsigned remembered_max)
{
	struct digest_nonces *n = calloc(1, sizeof(*n));
	char secret[33];
	if (n == NULL)
		return NULL;
	n->table = nonce_table_new(lifetime_s, remembered_max);
	if (n->table == NULL) {
		free(n);
		return NULL;
	}
	random_hex(secret);
	digest_ha1(DIGEST_SHA256, "", "", secret, n->no_ha1[DIGEST_SHA256]);
	memcpy(n->no_ha1[DIGEST_MD5], n->no_ha1[DIGEST_SHA256], 2 * hashes[DIGEST_MD5].bytes);
	OPENSSL_cleanse(secret, sizeof(secret));
	return n;
}

void digest_nonces_free(struct digest_nonces *n)
{
	if (n == NULL)
		return;
	nonce_table_free(n->table);
	OPENSSL_cleanse(n->no_ha1, sizeof(n->no_ha1));
	free(n);
}

void digest_nonce(struct digest_nonces *n, char *out, unsigned size)
{
	nonce_make(n->table, out, size);
}

enum digest_result digest_check(struct digest_nonces *n, enum digest_algorithm algorithm,
	const struct digest_response *response, const char *method, const char *ha1)
{
	struct nonce nonce;
	char expected[DIGEST_HEX], given[DIGEST_HEX] = "";
	size_t length = 2 * hashes[algorithm].bytes;
	bool genuine = nonce_read(n->table, response->nonce, &nonce);
	hash_response(
		algorithm, response, method, ha1 != NULL ? ha1 : n->no_ha1[algorithm], expected);
	bool ok = strlen(response->response) == length;
	memcpy(given, response->response, length);
	ok &= CRYPTO_memcmp(expected, given, length) == 0;
	ok &= ha1 != NULL && is_algorithm(response->algorithm, algorithm) &&
	      strcasecmp(response->qop, "auth") == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	if (!ok)
		return DIGEST_WRONG;
	switch (genuine ? nonce_use(n->table, &nonce, response->nc) : NONCE_STALE) {
	case NONCE_OK:
		return DIGEST_OK;
	case NONCE_REPLAY:
		return DIGEST_REPLAY;
	default:
		return DIGEST_STALE;
	}
}

// ---- text: `Digest name=value, name="value", ...`

static bool is_lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

static const char *read_token(const char *p, char *out, size_t size)
{
	size_t n = 0;
	for (; is_token(*p); p++) {
		if (n + 1 >= size)
			return NULL;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0 ? p : NULL;
}

// `p` stands behind the opening quote; returns behind the closing one. Escapes are resolved.
static const char *read_quoted(const char *p, char *out, size_t size)
{
	size_t n = 0;
	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if ((unsigned char)*p < ' ' || *p == 0x7f || n + 1 >= size)
			return NULL;
		out[n++] = *p;
	}
	out[n] = '\0';
	return p + 1;
}

struct field {
	const char *name;
	char *out;
	size_t size;
	bool required;
	bool seen;
};

static struct field *field_find(struct field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcasecmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

// Reads one `name=value` into its field, if it is one of ours. NULL if it is malformed, too long or
// comes twice.
static const char *read_field(const char *p, struct field *fields)
{
	char name[32], other[1024];
	p = read_token(p, name, sizeof(name));
	if (p == NULL)
		return NULL;
	struct field *field = field_find(fields, name);
	if (field != NULL && field->seen)
		return NULL;
	p = skip_space(p);
	if (*p != '=')
		return NULL;
	p = skip_space(p + 1);
	char *out = field != NULL ? field->out : other;
	size_t size = field != NULL ? field->size : sizeof(other);
	p = *p == '"' ? read_quoted(p + 1, out, size) : read_token(p, out, size);
	if (p != NULL && field != NULL)
		field->seen = true;
	return p;
}

// Reads the scheme and all fields; `fields` ends with a NULL name. 0 or -EINVAL.
static int read_fields(const char *p, struct field *fields)
{
	char scheme[16];
	p = read_token(skip_space(p), scheme, sizeof(scheme));
	if (p == NULL || strcasecmp(scheme, "Digest") != 0 || skip_space(p) == p)
		return -EINVAL;
	for (;;) {
		p = read_field(skip_space(p), fields);
		if (p == NULL)
			return -EINVAL;
		p = skip_space(p);
		if (*p == '\0')
			break;
		if (*p++ != ',')
			return -EINVAL;
	}
	for (; fields->name != NULL; fields++)
		if (fields->required && !fields->seen)
			return -EINVAL;
	return 0;
}

int digest_parse(const char *authorization, struct digest_response *out)
{
	char nc[9] = "", userhash[8] = "", extended[1] = "";
	struct field fields[] = {
		{"username", out->user, sizeof(out->user), true, false},
		{"realm", out->realm, sizeof(out->realm), true, false},
		{"nonce", out->nonce, sizeof(out->nonce), true, false},
		{"uri", out->uri, sizeof(out->uri), true, false},
		{"response", out->response, sizeof(out->response), true, false},
		{"cnonce", out->cnonce, sizeof(out->cnonce), true, false},
		{"algorithm", out->algorithm, sizeof(out->algorithm), false, false},
		{"qop", out->qop, sizeof(out->qop), true, false},
		{"nc", nc, sizeof(nc), true, false},
		{"userhash", userhash, sizeof(userhash), false, false},
		{"username*", extended, sizeof(extended), false, false}, // no room: refused
		{NULL, NULL, 0, false, false},
	};
	memset(out, 0, sizeof(*out));
	if (read_fields(authorization, fields) != 0)
		return -EINVAL;
	if (userhash[0] != '\0' && strcasecmp(userhash, "false") != 0)
		return -EINVAL;
	for (const char *p = out->response; *p != '\0'; p++)
		if (!is_lower_hex(*p))
			return -EINVAL;
	for (const char *p = nc; *p != '\0'; p++)
		if (!isxdigit((unsigned char)*p))
			return -EINVAL;
	out->nc = (uint32_t)strtoul(nc, NULL, 16);
	return strlen(nc) == 8 && out->nc > 0 ? 0 : -EINVAL;
}

// ---- writing

struct text {
	char *out;
	size_t size, length; // length >= size: it did not fit
};

static void put(struct text *t, char c)
{
	if (t->length + 1 < t->size)
		t->out[t->length] = c;
	t->length++;
}

static void put_string(struct text *t, const char *s)
{
	for (; *s != '\0'; s++)
		put(t, *s);
}

static void put_quoted(struct text *t, const char *name, const char *value)
{
	put_string(t, name);
	put_string(t, "=\"");
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			put(t, '\\');
		put(t, *value);
	}
	put(t, '"');
}

// Ends the text. 0, or -ENOSPC with an empty text.
static int put_end(struct text *t)
{
	if (t->size == 0)
		return -ENOSPC;
	bool fits = t->length < t->size;
	t->out[fits ? t->length : 0] = '\0';
	return fits ? 0 : -ENOSPC;
}

static bool is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int digest_challenge(struct digest_nonces *n, enum digest_algorithm algorithm, const char *realm,
	bool stale, char *out, unsigned size)
{
	char nonce[NONCE_TEXT];
	struct text t = {out, size, 0};
	if (!is_printable(realm))
		return -EINVAL;
	digest_nonce(n, nonce, sizeof(nonce));
	put_quoted(&t, "Digest realm", realm);
	put_quoted(&t, ", nonce", nonce);
	put_string(&t, ", algorithm=");
	put_string(&t, hashes[algorithm].name);
	put_string(&t, ", qop=\"auth\"");
	if (stale)
		put_string(&t, ", stale=true");
	return put_end(&t);
}

// Whether a list like "auth,auth-int" has `auth`.
static bool offers_auth(const char *qop)
{
	for (const char *p = qop; *p != '\0';) {
		p += strspn(p, " \t,");
		size_t n = strcspn(p, " \t,");
		if (n == 4 && strncasecmp(p, "auth", 4) == 0)
			return true;
		p += n;
	}
	return false;
}

int digest_answer(const char *challenge, const char *method, const char *uri, const char *user,
	const char *password, uint32_t nc, char *out, unsigned size)
{
	struct digest_response r = {.nc = nc};
	char opaque[256] = "", qop[64] = "";
	struct field fields[] = {
		{"realm", r.realm, sizeof(r.realm), true, false},
		{"nonce", r.nonce, sizeof(r.nonce), true, false},
		{"opaque", opaque, sizeof(opaque), false, false},
		{"algorithm", r.algorithm, sizeof(r.algorithm), false, false},
		{"qop", qop, sizeof(qop), false, false},
		{NULL, NULL, 0, false, false},
	};
	if (read_fields(challenge, fields) != 0 || strlen(uri) >= sizeof(r.uri) ||
		!is_printable(uri) || !is_printable(user))
		return -EINVAL;
	if (!is_algorithm(r.algorithm, DIGEST_SHA256) || !offers_auth(qop))
		return -ENOTSUP;
	memcpy(r.uri, uri, strlen(uri) + 1);
	random_hex(r.cnonce);

	char ha1[DIGEST_HEX], response[DIGEST_HEX], count[16];
	digest_ha1(DIGEST_SHA256, user, r.realm, password, ha1);
	hash_response(DIGEST_SHA256, &r, method, ha1, response);
	OPENSSL_cleanse(ha1, sizeof(ha1));

	struct text t = {out, size, 0};
	put_quoted(&t, "Digest username", user);
	put_quoted(&t, ", realm", r.realm);
	put_quoted(&t, ", nonce", r.nonce);
	put_quoted(&t, ", uri", uri);
	put_quoted(&t, ", response", response);
	put_quoted(&t, ", cnonce", r.cnonce);
	snprintf(count, sizeof(count), ", nc=%08x", nc);
	put_string(&t, ", algorithm=SHA-256, qop=auth");
	put_string(&t, count);
	if (opaque[0] != '\0')
		put_quoted(&t, ", opaque", opaque);
	return put_end(&t);
}
