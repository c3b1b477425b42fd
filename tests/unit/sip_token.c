// SPDX-License-Identifier: BSD-3-Clause
// Tokens: signed and verified, and every way of forging one that is known to have worked somewhere.
#include <criterion/criterion.h>

#include "tests/fuzz/token_text.c"
#include "tests/unit/corpus.h"

#include "control/sip/token.h"

#include <errno.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AOR	    "sip:alice@example.org"
#define FINGERPRINT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char folder[64], path[96], other_path[96];
static struct token_signer *signer, *other;
static struct token_verifier *verifier;
static json_t *jwks;

static void setup(void)
{
	strcpy(folder, "/tmp/crowfly-token-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	snprintf(other_path, sizeof(other_path), "%s/other.pem", folder);
	signer = token_signer_new(path, "example.org");
	other = token_signer_new(other_path, "example.org");
	cr_assert_not_null(signer);
	cr_assert_not_null(other);
	jwks = token_signer_jwks(signer);
	verifier = token_verifier_new(jwks);
	cr_assert_not_null(verifier);
}

static void teardown(void)
{
	token_verifier_free(verifier);
	token_signer_free(signer);
	token_signer_free(other);
	json_decref(jwks);
	unlink(path);
	unlink(other_path);
	rmdir(folder);
}

TestSuite(token, .init = setup, .fini = teardown);

static const char *kid_of(json_t *keys)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(keys, "keys"), 0), "kid"));
}

// Verifies and frees.
static enum token_result verify(char *token, struct token_claims *claims)
{
	struct token_claims unused;
	cr_assert_not_null(token);
	enum token_result result = token_verify(verifier, token, claims != NULL ? claims : &unused);
	free(token);
	return result;
}

Test(token, signed_and_verified)
{
	struct token_claims claims;
	cr_assert_eq(verify(token_sign(signer, AOR, FINGERPRINT, NULL, 600), &claims), TOKEN_OK);
	cr_assert_str_eq(claims.aor, AOR);
	cr_assert_str_eq(claims.fingerprint, FINGERPRINT);
	cr_assert_leq(labs((long)(claims.expires - time(NULL) - 600)), 2);
}

Test(token, key_file_is_kept_and_private)
{
	struct stat st;
	struct token_claims claims;
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	struct token_signer *again = token_signer_new(path, "example.org");
	cr_assert_eq(verify(token_sign(again, AOR, FINGERPRINT, NULL, 600), &claims), TOKEN_OK);
	token_signer_free(again);
	chmod(path, 0644);
	cr_assert_null(token_signer_new(path, "example.org"));
	cr_assert_eq(errno, EACCES);
	FILE *file = fopen(path, "w");
	fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", file);
	fclose(file);
	chmod(path, 0600);
	cr_assert_null(token_signer_new(path, "example.org"));
	cr_assert_eq(errno, EINVAL);
	cr_assert_null(token_signer_new("/nonexistent/key.pem", "example.org"));
}

Test(token, refuses_keys_of_other_curves)
{
	FILE *file = fopen(other_path, "w");
	EVP_PKEY *key = EVP_EC_gen("P-384");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	EVP_PKEY_free(key);
	cr_assert_null(token_signer_new(other_path, "example.org"));
	cr_assert_eq(errno, EINVAL);
}

Test(token, thumbprint)
{
	// RFC 7638 over the members of RFC 7517 appendix A.1's EC key; computed apart with
	// sha256sum
	json_t *set = json_loads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\","
				 "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
				 "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}",
		0, NULL);
	struct token_verifier *v = token_verifier_new(set);
	cr_assert_not_null(v);
	token_verifier_free(v);
	json_decref(set);
	// Ours: recomputed from the members
	json_t *jwk = json_array_get(json_object_get(jwks, "keys"), 0);
	char text[256];
	unsigned char md[32];
	snprintf(text, sizeof(text), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
		json_string_value(json_object_get(jwk, "x")),
		json_string_value(json_object_get(jwk, "y")));
	EVP_Digest(text, strlen(text), md, NULL, EVP_sha256(), NULL);
	char base64[64];
	EVP_EncodeBlock((unsigned char *)base64, md, sizeof(md));
	for (char *p = base64; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? '\0' : *p;
	cr_assert_str_eq(kid_of(jwks), base64);
}

Test(token, other_key_with_our_kid)
{
	cr_assert_eq(verify(token_sign(other, AOR, FINGERPRINT, NULL, 600), NULL),
		TOKEN_BAD_SIGNATURE, "unknown kid");
	jwt_t *jwt;
	char pem[1024];
	FILE *file = fopen(other_path, "r");
	size_t n = fread(pem, 1, sizeof(pem), file);
	fclose(file);
	jwt_new(&jwt);
	jwt_add_grant(jwt, "sub", AOR);
	jwt_add_grants_json(jwt, "{\"cnf\":{\"x5t#S256\":\"" FINGERPRINT "\"}}");
	jwt_add_grant_int(jwt, "exp", time(NULL) + 600);
	jwt_add_header(jwt, "kid", kid_of(jwks));
	jwt_set_alg(jwt, JWT_ALG_ES256, (unsigned char *)pem, (int)n);
	cr_assert_eq(verify(jwt_encode_str(jwt), NULL), TOKEN_BAD_SIGNATURE);
	jwt_free(jwt);
}

// A token with our kid and the grants that are wanted, signed with what is given.
static char *forge(jwt_alg_t alg, const void *key, size_t length, const char *grants)
{
	jwt_t *jwt;
	jwt_new(&jwt);
	jwt_add_grants_json(jwt, grants);
	jwt_add_header(jwt, "kid", kid_of(jwks));
	cr_assert_eq(jwt_set_alg(jwt, alg, key, (int)length), 0);
	char *text = jwt_encode_str(jwt);
	jwt_free(jwt);
	return text;
}

static char *grants(const char *fmt, long expires)
{
	static char text[512];
	snprintf(text, sizeof(text), fmt, expires);
	return text;
}

#define GOOD "{\"sub\":\"" AOR "\",\"exp\":%ld,\"cnf\":{\"x5t#S256\":\"" FINGERPRINT "\"}}"

Test(token, algorithm_none)
{
	char *good = grants(GOOD, time(NULL) + 600);
	cr_assert_eq(verify(forge(JWT_ALG_NONE, NULL, 0, good), NULL), TOKEN_MALFORMED);
	char *signed_token = token_sign(signer, AOR, FINGERPRINT, NULL, 600);
	*(strrchr(signed_token, '.') + 1) = '\0'; // our header and payload, no signature
	cr_assert_neq(verify(signed_token, NULL), TOKEN_OK);
}

Test(token, hmac_with_the_public_key)
{
	// The public key as PEM, as a verifier that trusts the header's alg would use it
	char pem[1024];
	BIO *out = BIO_new(BIO_s_mem());
	FILE *file = fopen(path, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	PEM_write_bio_PUBKEY(out, key);
	int n = BIO_read(out, pem, sizeof(pem));
	EVP_PKEY_free(key);
	BIO_free(out);
	char *good = grants(GOOD, time(NULL) + 600);
	cr_assert_eq(verify(forge(JWT_ALG_HS256, pem, (size_t)n, good), NULL), TOKEN_MALFORMED);
	cr_assert_eq(verify(forge(JWT_ALG_HS512, pem, (size_t)n, good), NULL), TOKEN_MALFORMED);
}

// Signs with the server's own key, so that the claims alone decide.
static enum token_result with_claims(const char *fmt, long expires)
{
	char pem[1024];
	FILE *file = fopen(path, "r");
	size_t n = fread(pem, 1, sizeof(pem), file);
	fclose(file);
	return verify(forge(JWT_ALG_ES256, pem, n, grants(fmt, expires)), NULL);
}

Test(token, claims)
{
	long now = time(NULL);
	cr_expect_eq(with_claims(GOOD, now + 600), TOKEN_OK);
	cr_expect_eq(with_claims(GOOD, now - 3), TOKEN_OK, "within the clock skew");
	cr_expect_eq(with_claims(GOOD, now - 10), TOKEN_EXPIRED);
	cr_expect_eq(with_claims(GOOD, 0), TOKEN_EXPIRED);
	cr_expect_eq(with_claims("{\"sub\":\"a\",\"cnf\":{\"x5t#S256\":\"f\"}}", 0),
		TOKEN_MALFORMED, "no exp");
	cr_expect_eq(with_claims("{\"sub\":\"a\",\"exp\":\"9999999999\",\"cnf\":{\"x5t#S256\":"
				 "\"f\"}}",
			     0),
		TOKEN_MALFORMED);
	cr_expect_eq(
		with_claims("{\"sub\":\"a\",\"exp\":%ld}", now + 600), TOKEN_MALFORMED, "no cnf");
	cr_expect_eq(with_claims("{\"sub\":\"a\",\"exp\":%ld,\"cnf\":\"f\"}", now + 600),
		TOKEN_MALFORMED);
	cr_expect_eq(
		with_claims("{\"sub\":\"a\",\"exp\":%ld,\"cnf\":{\"x5t#S256\":\"\"}}", now + 600),
		TOKEN_MALFORMED);
	cr_expect_eq(with_claims("{\"exp\":%ld,\"cnf\":{\"x5t#S256\":\"f\"}}", now + 600),
		TOKEN_MALFORMED, "no sub");
	cr_expect_eq(with_claims("{\"sub\":7,\"exp\":%ld,\"cnf\":{\"x5t#S256\":\"f\"}}", now + 600),
		TOKEN_MALFORMED);
	cr_expect_eq(with_claims("{\"sub\":\"a\",\"nbf\":9999999999,\"exp\":%ld,\"cnf\":{"
				 "\"x5t#S256\":\"f\"}}",
			     now + 600),
		TOKEN_EXPIRED);
}

Test(token, for_one_call)
{
	const struct token_call call = {"sip:bob@example.org", "x\"y\\z@10.0.0.1"};
	struct token_claims claims;
	cr_assert_eq(verify(token_sign(signer, AOR, FINGERPRINT, &call, 30), &claims), TOKEN_OK);
	cr_assert_str_eq(claims.aor, AOR);
	cr_assert_str_eq(claims.fingerprint, FINGERPRINT);
	cr_assert_str_eq(claims.callee, call.callee);
	cr_assert_str_eq(claims.call_id, call.call_id);
	cr_assert_leq(labs((long)(claims.expires - time(NULL)) - 30), 2);
	cr_assert_eq(verify(token_sign(signer, AOR, FINGERPRINT, NULL, 30), &claims), TOKEN_OK);
	cr_assert_str_eq(claims.callee, "", "a login's");
	cr_assert_str_eq(claims.call_id, "");
	// Bound to half a call, or to nothing that can be compared
	static const char *const cases[] = {"\"aud\":\"a\"", "\"call_id\":\"c\"",
		"\"aud\":[\"a\"],\"call_id\":\"c\"", "\"aud\":\"\",\"call_id\":\"c\"",
		"\"aud\":\"a\",\"call_id\":7"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text),
			"{\"sub\":\"a\",\"exp\":%%ld,\"cnf\":{\"x5t#S256\":\"f\"},%s}", cases[i]);
		cr_expect_eq(
			with_claims(text, (long)time(NULL) + 600), TOKEN_MALFORMED, "%s", cases[i]);
	}
}

Test(token, every_changed_character_counts)
{
	char *token = token_sign(signer, AOR, FINGERPRINT, NULL, 600);
	struct token_claims claims;
	for (size_t i = 0; token[i] != '\0'; i++) {
		char was = token[i];
		token[i] = was == 'A' ? 'B' : 'A';
		// The last character of a signature has bits that are not used
		if (token[i + 1] != '\0')
			cr_expect_neq(token_verify(verifier, token, &claims), TOKEN_OK,
				"character %zu", i);
		token[i] = was;
	}
	cr_assert_eq(token_verify(verifier, token, &claims), TOKEN_OK);
	free(token);
}

Test(token, truncated)
{
	char *token = token_sign(signer, AOR, FINGERPRINT, NULL, 600);
	struct token_claims claims;
	for (size_t n = 0; n < strlen(token); n++) {
		char *part = strndup(token, n);
		cr_expect_neq(token_verify(verifier, part, &claims), TOKEN_OK, "%zu bytes", n);
		free(part);
	}
	free(token);
}

Test(token, garbage)
{
	static const char *const cases[] = {"", ".", "..", "...", "a.b.c", "e30.e30.",
		"e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "\xff\xfe",
		"a b.c.d", "eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUiLCJraWQiOiJ4In0.e30.AAAA"};
	struct token_claims claims;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_neq(token_verify(verifier, cases[i], &claims), TOKEN_OK, "%s", cases[i]);
	char *large = malloc(100001);
	memset(large, 'A', 100000);
	large[1000] = large[2000] = '.';
	large[100000] = '\0';
	cr_assert_eq(token_verify(verifier, large, &claims), TOKEN_MALFORMED);
	free(large);
}

Test(token, key_sets_that_are_refused)
{
#define X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
	static const char *const cases[] = {"{}", "[]", "{\"keys\":[]}", "{\"keys\":7}",
		"{\"keys\":[7,\"a\",null,{}]}",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"1\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"1\",\"x\":\"" X
		"\",\"y\":\"" Y "\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"alg\":\"HS256\","
		"\"x\":\"" X "\",\"y\":\"" Y "\"}]}",
		// not on the curve
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"x\":\"" X
		"\",\"y\":\"" X "\"}]}",
		("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"x\":\"AA\","
		 "\"y\":\"AA\"}]}")};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *set = json_loads(cases[i], 0, NULL);
		cr_assert_not_null(set, "%s", cases[i]);
		cr_expect_null(token_verifier_new(set), "%s", cases[i]);
		json_decref(set);
	}
	cr_expect_null(token_verifier_new(NULL));
}

Test(token, verifier_picks_by_kid)
{
	json_t *both = token_signer_jwks(other), *set = json_object_get(both, "keys");
	json_array_append(set, json_array_get(json_object_get(jwks, "keys"), 0));
	struct token_verifier *v = token_verifier_new(both);
	struct token_claims claims;
	char *a = token_sign(signer, AOR, FINGERPRINT, NULL, 600);
	char *b = token_sign(other, AOR, FINGERPRINT, NULL, 600);
	cr_assert_eq(token_verify(v, a, &claims), TOKEN_OK);
	cr_assert_eq(token_verify(v, b, &claims), TOKEN_OK);
	cr_assert_eq(token_verify(verifier, b, &claims), TOKEN_BAD_SIGNATURE);
	free(a);
	free(b);
	token_verifier_free(v);
	json_decref(both);
}

Test(token, corpus)
{
	cr_assert_geq(corpus_replay("token_text", LLVMFuzzerTestOneInput), 9);
}
