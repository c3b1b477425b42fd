// SPDX-License-Identifier: BSD-3-Clause
// Digest authentication: the RFC 7616 vector, both ends together, nonces, replay, hostile headers.
#include <criterion/criterion.h>

#include "tests/fuzz/digest_header.c"
#include "tests/unit/corpus.h"

#include "control/sip/digest.h"
#include "control/sip/nonce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REALM "example.org"
#define URI   "sip:example.org"

static struct digest_nonces *nonces;

static void setup(void)
{
	nonces = digest_nonces_new(60, 100);
}

static void teardown(void)
{
	digest_nonces_free(nonces);
}

TestSuite(digest, .init = setup, .fini = teardown);

// RFC 7616 section 3.9.1, the SHA-256 answer
#define RFC_RESPONSE "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
#define RFC_HEADER(response)                                                                       \
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "   \
	"algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, " \
	"cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"" response  \
	"\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""

Test(digest, rfc7616_vector)
{
	struct digest_response r;
	char ha1[DIGEST_HEX];
	digest_ha1(DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", ha1);
	cr_assert_eq(digest_parse(RFC_HEADER(RFC_RESPONSE), &r), 0);
	cr_assert_str_eq(r.user, "Mufasa");
	cr_assert_eq(r.nc, 1);
	// Right, but for a nonce that is not of ours; anything else is wrong
	cr_assert_eq(digest_check(nonces, DIGEST_SHA256, &r, "GET", ha1), DIGEST_STALE);
	cr_assert_eq(digest_check(nonces, DIGEST_SHA256, &r, "POST", ha1), DIGEST_WRONG);
	r.response[0] ^= 1;
	cr_assert_eq(digest_check(nonces, DIGEST_SHA256, &r, "GET", ha1), DIGEST_WRONG);
}

// The MD5 answer of the same section
Test(digest, rfc7616_vector_of_md5)
{
	static const char response[] = "8ca523f5e9506fed4657c9700eebdbec";
	struct digest_response r;
	char ha1[DIGEST_HEX], sha256[DIGEST_HEX];
	digest_ha1(DIGEST_MD5, "Mufasa", "http-auth@example.org", "Circle of Life", ha1);
	cr_assert_eq(strlen(ha1), 32);
	cr_assert_eq(digest_parse(RFC_HEADER(RFC_RESPONSE), &r), 0);
	strcpy(r.response, response);
	strcpy(r.algorithm, "MD5");
	cr_assert_eq(digest_check(nonces, DIGEST_MD5, &r, "GET", ha1), DIGEST_STALE, "right");
	r.algorithm[0] = '\0';
	cr_assert_eq(digest_check(nonces, DIGEST_MD5, &r, "GET", ha1), DIGEST_STALE, "no name");
	cr_assert_eq(digest_check(nonces, DIGEST_MD5, &r, "GET", NULL), DIGEST_WRONG);
	// Neither algorithm passes for the other, whatever it is called
	for (int i = 0; i < 3; i++) {
		strcpy(r.algorithm, i == 0 ? "" : i == 1 ? "MD5" : "SHA-256");
		cr_assert_eq(digest_check(nonces, DIGEST_SHA256, &r, "GET", ha1), DIGEST_WRONG);
	}
	cr_assert_eq(digest_check(nonces, DIGEST_MD5, &r, "GET", ha1), DIGEST_WRONG, "SHA-256");
	digest_ha1(DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", sha256);
	strcpy(r.response, RFC_RESPONSE);
	cr_assert_eq(digest_check(nonces, DIGEST_MD5, &r, "GET", sha256), DIGEST_WRONG);
	strcpy(r.response, "8ca523f5e9506fed4657c9700eebdbe");
	strcpy(r.algorithm, "MD5");
	cr_assert_eq(digest_check(nonces, DIGEST_MD5, &r, "GET", ha1), DIGEST_WRONG, "short");
}

Test(digest, challenges_name_their_algorithm)
{
	char text[256];
	cr_assert_eq(digest_challenge(nonces, DIGEST_MD5, REALM, true, text, sizeof(text)), 0);
	cr_assert_not_null(strstr(text, "algorithm=MD5, qop=\"auth\", stale=true"), "%s", text);
	cr_assert_null(strstr(text, "SHA"));
	cr_assert_eq(digest_answer(text, "REGISTER", "sip:" REALM, "a", "b", 1, text, sizeof(text)),
		-ENOTSUP, "an agent answers no MD5");
}

// A challenge and its answer, parsed.
static void answer(struct digest_nonces *n, const char *password, uint32_t nc,
	const char *challenge, struct digest_response *out)
{
	char fresh[512], text[2048];
	if (challenge == NULL) {
		cr_assert_eq(
			digest_challenge(n, DIGEST_SHA256, REALM, false, fresh, sizeof(fresh)), 0);
		challenge = fresh;
	}
	cr_assert_eq(digest_answer(
			     challenge, "REGISTER", URI, "alice", password, nc, text, sizeof(text)),
		0);
	cr_assert_eq(digest_parse(text, out), 0, "%s", text);
}

static enum digest_result check(struct digest_nonces *n, const struct digest_response *r)
{
	char ha1[DIGEST_HEX];
	digest_ha1(DIGEST_SHA256, "alice", REALM, "secret", ha1);
	return digest_check(n, DIGEST_SHA256, r, "REGISTER", ha1);
}

Test(digest, both_ends)
{
	struct digest_response r;
	answer(nonces, "secret", 1, NULL, &r);
	cr_assert_str_eq(r.user, "alice");
	cr_assert_str_eq(r.realm, REALM);
	cr_assert_str_eq(r.uri, URI);
	cr_assert_str_eq(r.algorithm, "SHA-256");
	cr_assert_str_eq(r.qop, "auth");
	cr_assert_eq(check(nonces, &r), DIGEST_OK);
	answer(nonces, "wrong", 1, NULL, &r);
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	answer(nonces, "secret", 1, NULL, &r);
	cr_assert_eq(digest_check(nonces, DIGEST_SHA256, &r, "REGISTER", NULL), DIGEST_WRONG,
		"unknown user");
}

Test(digest, every_field_counts)
{
	struct digest_response good, r;
	answer(nonces, "secret", 1, NULL, &good);
	r = good;
	r.nc = 2;
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	r = good;
	strcpy(r.uri, "sip:example.com");
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	r = good;
	r.cnonce[3] ^= 1;
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	r = good;
	strcpy(r.algorithm, "MD5");
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	r = good;
	r.algorithm[0] = '\0';
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	r = good;
	strcpy(r.qop, "auth-int");
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	r = good;
	r.response[63] = '\0';
	cr_assert_eq(check(nonces, &r), DIGEST_WRONG);
	// None of those used the nonce up
	cr_assert_eq(check(nonces, &good), DIGEST_OK);
}

Test(digest, counts_go_up)
{
	struct digest_response r;
	char challenge[512];
	digest_challenge(nonces, DIGEST_SHA256, REALM, false, challenge, sizeof(challenge));
	static const struct {
		uint32_t nc;
		enum digest_result result;
	} cases[] = {{1, DIGEST_OK}, {1, DIGEST_REPLAY}, {2, DIGEST_OK}, {1, DIGEST_REPLAY},
		{10, DIGEST_OK}, {9, DIGEST_REPLAY}, {UINT32_MAX, DIGEST_OK},
		{UINT32_MAX, DIGEST_REPLAY}, {1, DIGEST_REPLAY}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer(nonces, "secret", cases[i].nc, challenge, &r);
		cr_assert_eq(check(nonces, &r), cases[i].result, "case %zu", i);
	}
}

Test(digest, stale_nonce)
{
	struct digest_nonces *brief = digest_nonces_new(1, 10);
	struct digest_response r;
	char challenge[512];
	digest_challenge(brief, DIGEST_SHA256, REALM, false, challenge, sizeof(challenge));
	answer(brief, "secret", 1, challenge, &r);
	cr_assert_eq(check(brief, &r), DIGEST_OK);
	usleep(1100000);
	answer(brief, "secret", 2, challenge, &r);
	cr_assert_eq(check(brief, &r), DIGEST_STALE);
	answer(brief, "wrong", 2, challenge, &r);
	cr_assert_eq(check(brief, &r), DIGEST_WRONG, "stale only where the password is right");
	digest_nonces_free(brief);
}

Test(digest, forged_nonce)
{
	struct digest_response r;
	struct digest_nonces *other = digest_nonces_new(60, 10);
	answer(other, "secret", 1, NULL, &r);
	cr_assert_eq(check(nonces, &r), DIGEST_STALE, "of another process");
	digest_nonces_free(other);
	char challenge[512], *nonce;
	for (int i = 0; i < 64; i++) {
		digest_challenge(nonces, DIGEST_SHA256, REALM, false, challenge, sizeof(challenge));
		nonce = strstr(challenge, "nonce=\"") + 7;
		nonce[i] = nonce[i] == '0' ? '1' : '0';
		answer(nonces, "secret", 1, challenge, &r);
		cr_assert_eq(check(nonces, &r), DIGEST_STALE, "digit %d", i);
	}
}

Test(digest, full_table_never_takes_one_twice)
{
	enum { MAX = 16, ALL = 100 };
	struct digest_nonces *small = digest_nonces_new(60, MAX);
	static struct digest_response r[ALL];
	for (int i = 0; i < ALL; i++) {
		usleep(10);
		answer(small, "secret", 1, NULL, &r[i]);
	}
	// Used in a scattered order: each is taken once or not at all, never twice
	unsigned taken[ALL] = {0};
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < ALL; i++) {
			int k = (i * 37 + round * 11) % ALL;
			taken[k] += check(small, &r[k]) == DIGEST_OK;
		}
	unsigned sum = 0;
	for (int i = 0; i < ALL; i++) {
		cr_assert_leq(taken[i], 1, "nonce %d was taken twice", i);
		sum += taken[i];
	}
	cr_assert_geq(sum, MAX);
	// And a fresh one still works
	answer(small, "secret", 1, NULL, &r[0]);
	cr_assert_eq(check(small, &r[0]), DIGEST_OK);
	digest_nonces_free(small);
}

Test(nonce, only_uses_are_remembered)
{
	struct nonce_table *t = nonce_table_new(60, 8);
	char text[NONCE_TEXT];
	struct nonce nonce;
	for (int i = 0; i < 1000; i++) {
		nonce_make(t, text, sizeof(text));
		cr_assert(nonce_read(t, text, &nonce));
	}
	cr_assert_eq(nonce_remembered(t), 0);
	for (int i = 0; i < 1000; i++) {
		nonce_make(t, text, sizeof(text));
		nonce_read(t, text, &nonce);
		cr_assert_eq(nonce_use(t, &nonce, 1), NONCE_OK);
		usleep(2);
	}
	cr_assert_eq(nonce_remembered(t), 8);
	nonce_table_free(t);
}

Test(nonce, expired_ones_make_room)
{
	struct nonce_table *t = nonce_table_new(1, 100);
	char text[NONCE_TEXT];
	struct nonce nonce;
	for (int i = 0; i < 50; i++) {
		nonce_make(t, text, sizeof(text));
		nonce_read(t, text, &nonce);
		cr_assert_eq(nonce_use(t, &nonce, 1), NONCE_OK);
	}
	usleep(1100000);
	cr_assert_eq(nonce_use(t, &nonce, 2), NONCE_STALE);
	nonce_make(t, text, sizeof(text));
	nonce_read(t, text, &nonce);
	cr_assert_eq(nonce_use(t, &nonce, 1), NONCE_OK);
	cr_assert_eq(nonce_remembered(t), 1);
	nonce_table_free(t);
}

#define REST                                                                                       \
	"realm=\"r\", nonce=\"n\", uri=\"sip:r\", response=\"ab\", cnonce=\"c\", qop=auth, "       \
	"nc=00000001"

Test(digest, hostile_headers)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"Digest username=\"a\", " REST, 0},
		{"digest\tusername = \"a\" ,\r\n " REST, 0},
		{"Digest username=\"a\\\"b\", " REST, 0},
		{"Digest username=\"a\", extra=\"x, y\", extra=\"x\", " REST, 0},
		{"Digest username=\"a\", userhash=false, " REST, 0},
		{"", -EINVAL},
		{"Digest", -EINVAL},
		{"Digest ", -EINVAL},
		{"Digest,", -EINVAL},
		{"Basic YTpi", -EINVAL},
		{"Bearer username=\"a\", " REST, -EINVAL},
		{"Digestusername=\"a\", " REST, -EINVAL},
		{"Digest " REST, -EINVAL},
		{"Digest username=\"a\", " REST ",", -EINVAL},
		{"Digest username=\"a\",, " REST, -EINVAL},
		{"Digest username=\"a\" " REST, -EINVAL},
		{"Digest username=\"a, " REST, -EINVAL},
		{"Digest username=\"a\\", -EINVAL},
		{"Digest username=\"a\nb\", " REST, -EINVAL},
		{"Digest username=\"a\", username=\"b\", " REST, -EINVAL},
		{"Digest username=\"a\", " REST ", NC=00000002", -EINVAL},
		{"Digest username=\"a\", userhash=true, " REST, -EINVAL},
		{"Digest username*=UTF-8''a, " REST, -EINVAL},
		{"Digest username=, " REST, -EINVAL},
		{"Digest username, " REST, -EINVAL},
		{"Digest =\"a\", " REST, -EINVAL},
		{"Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"ab\", "
		 "cnonce=\"c\", qop=auth, nc=0000001",
			-EINVAL},
		{"Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"ab\", "
		 "cnonce=\"c\", qop=auth, nc=000000001",
			-EINVAL},
		{"Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"ab\", "
		 "cnonce=\"c\", qop=auth, nc=-0000001",
			-EINVAL},
		{"Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"ab\", "
		 "cnonce=\"c\", qop=auth, nc=00000000",
			-EINVAL},
		{"Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"AB\", "
		 "cnonce=\"c\", qop=auth, nc=00000001",
			-EINVAL},
		{"Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"ab\"",
			-EINVAL},
	};
	struct digest_response r;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(digest_parse(cases[i].text, &r), cases[i].result, "%s", cases[i].text);
	digest_parse("Digest username=\"a\\\"b\", " REST, &r);
	cr_assert_str_eq(r.user, "a\"b");
}

Test(digest, long_values)
{
	static const char *const names[] = {"username", "realm", "nonce", "uri", "response",
		"cnonce", "algorithm", "qop", "nc", "other", NULL};
	struct digest_response r;
	for (int i = 0; names[i] != NULL; i++) {
		char value[2001], text[2100];
		memset(value, 'a', sizeof(value) - 1);
		value[sizeof(value) - 1] = '\0';
		snprintf(text, sizeof(text), "Digest %s=\"%s\"", names[i], value);
		cr_expect_eq(digest_parse(text, &r), -EINVAL, "%s", names[i]);
		snprintf(text, sizeof(text), "Digest %s=%s", names[i], value);
		cr_expect_eq(digest_parse(text, &r), -EINVAL, "%s", names[i]);
	}
}

Test(digest, truncated_headers)
{
	struct digest_response r;
	const char *whole = RFC_HEADER(RFC_RESPONSE);
	for (size_t n = 0; n < strlen(whole); n++) {
		char *text = strndup(whole, n); // on the heap, for the address sanitizer
		digest_parse(text, &r);
		free(text);
	}
}

Test(digest, challenges_that_are_refused)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"", 0},
		{"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth-int, auth\"", 0},
		{"Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"", -ENOTSUP},
		{"Digest realm=\"r\", nonce=\"n\", qop=\"auth\"", -ENOTSUP},
		{"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256-sess, qop=\"auth\"", -ENOTSUP},
		{"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth-int\"", -ENOTSUP},
		{"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256", -ENOTSUP},
		{"Digest realm=\"r\", algorithm=SHA-256, qop=\"auth\"", -EINVAL},
		{"Basic realm=\"r\"", -EINVAL},
		{"Digest realm=\"r\", nonce=\"n\", Digest realm=\"r\"", -EINVAL},
	};
	char out[1024];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(digest_answer(
				     cases[i].text, "REGISTER", URI, "a", "p", 1, out, sizeof(out)),
			cases[i].result, "%s", cases[i].text);
	cr_expect_eq(
		digest_answer(cases[0].text, "REGISTER", URI, "a\r\nb", "p", 1, out, sizeof(out)),
		-EINVAL);
	cr_expect_eq(digest_answer(cases[0].text, "REGISTER", URI, "a", "p", 1, out, 100), -ENOSPC);
}

Test(digest, challenge_text)
{
	char text[512];
	cr_assert_eq(digest_challenge(nonces, DIGEST_SHA256, REALM, true, text, sizeof(text)), 0);
	cr_assert_eq(strncmp(text, "Digest realm=\"example.org\", nonce=\"", 35), 0);
	cr_assert_not_null(strstr(text, "\", algorithm=SHA-256, qop=\"auth\", stale=true"));
	cr_assert_eq(digest_challenge(nonces, DIGEST_SHA256, REALM, false, text, sizeof(text)), 0);
	cr_assert_null(strstr(text, "stale"));
	cr_assert_eq(digest_challenge(nonces, DIGEST_SHA256, REALM, false, text, 40), -ENOSPC);
	cr_assert_eq(digest_challenge(nonces, DIGEST_SHA256, "a\r\nb", false, text, sizeof(text)),
		-EINVAL);
}

Test(digest, corpus)
{
	cr_assert_geq(corpus_replay("digest_header", LLVMFuzzerTestOneInput), 10);
}
