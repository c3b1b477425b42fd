// SPDX-License-Identifier: BSD-3-Clause
// The login's JSON body: written and read back, 5,000 entries, hostile bodies.
#include <criterion/criterion.h>

#include "tests/fuzz/profile_body.c"
#include "tests/unit/corpus.h"

#include "control/sip/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINGERPRINT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct profile *sample(size_t n)
{
	struct profile *p = calloc(1, sizeof(*p));
	p->aor = strdup("sip:alice@example.org");
	p->expires_s = 600;
	p->token = strdup("aaa.bbb.ccc");
	p->token_expires_s = 3600;
	p->jwks = json_pack("{s:[{s:s}]}", "keys", "kty", "EC");
	p->peers = calloc(n + 1, sizeof(*p->peers));
	p->n_peers = n;
	for (size_t i = 0; i < n; i++) {
		char text[128];
		snprintf(text, sizeof(text), "sip:user%zu@example.org", i);
		p->peers[i].aor = strdup(text);
		p->peers[i].online = i % 2 == 0;
		if (!p->peers[i].online)
			continue;
		snprintf(text, sizeof(text), "sip:user%zu@10.0.0.2:5061;transport=tls", i);
		p->peers[i].contact = strdup(text);
		p->peers[i].fingerprint = strdup(FINGERPRINT);
		p->peers[i].expires_s = (unsigned)(500 + i % 100);
	}
	return p;
}

static void round_trip(size_t n)
{
	char error[128] = "";
	size_t length = 0;
	struct profile *in = sample(n);
	char *text = profile_write(in, &length);
	cr_assert_not_null(text);
	cr_assert_eq(length, strlen(text));
	struct profile *out = profile_read(text, length, error);
	cr_assert_not_null(out, "%s", error);
	cr_assert_str_eq(out->aor, in->aor);
	cr_assert_str_eq(out->token, in->token);
	cr_assert_eq(out->expires_s, 600);
	cr_assert_eq(out->token_expires_s, 3600);
	cr_assert(json_equal(out->jwks, in->jwks));
	cr_assert_eq(out->n_peers, n);
	for (size_t i = 0; i < n; i++) {
		cr_assert_str_eq(out->peers[i].aor, in->peers[i].aor);
		cr_assert_eq(out->peers[i].online, in->peers[i].online);
		cr_assert_eq(out->peers[i].expires_s, in->peers[i].expires_s);
		cr_assert_eq(out->peers[i].contact == NULL, !in->peers[i].online);
		if (!in->peers[i].online)
			continue;
		cr_assert_str_eq(out->peers[i].contact, in->peers[i].contact);
		cr_assert_str_eq(out->peers[i].fingerprint, FINGERPRINT);
	}
	profile_free(out);
	profile_free(in);
	free(text);
}

Test(profile, nobody)
{
	round_trip(0);
}

Test(profile, a_few)
{
	round_trip(5);
}

Test(profile, five_thousand)
{
	round_trip(5000);
}

Test(profile, offline_peers_have_no_address_in_it)
{
	size_t length;
	struct profile *p = sample(1);
	p->peers[0].online = false; // but the writer's caller left the route in place
	char *text = profile_write(p, &length);
	cr_assert_null(strstr(text, "10.0.0.2"));
	cr_assert_null(strstr(text, FINGERPRINT));
	free(text);
	profile_free(p);
}

#define HEAD                                                                                       \
	"{\"version\":1,\"aor\":\"sip:a@b\",\"expires\":600,\"token\":\"t\",\"token_expires\":60," \
	"\"jwks\":{\"keys\":[]},"
#define BOB	 "{\"aor\":\"sip:bob@b\",\"status\":\"online\"}"
#define DAVE	 "{\"aor\":\"sip:dave@b\",\"status\":\"offline\"}"
#define CONTACTS "\"contacts\":[\"sip:bob@10.0.0.2:5061;transport=tls\"]"
#define ROUTE                                                                                      \
	"{\"aor\":\"sip:bob@b\"," CONTACTS ",\"x5t#S256\":\"" FINGERPRINT "\",\"expires\":540}"

static const struct {
	const char *text;
	const char *error; // NULL: good
} cases[] = {
	{HEAD "\"profile\":[" BOB "," DAVE "],\"routes\":[" ROUTE "]}", NULL},
	{HEAD "\"profile\":[" DAVE "],\"routes\":[],\"new\":[1]}", NULL},
	{HEAD "\"profile\":[" BOB "],\"routes\":[]}", "profile[0]: online, but without a route"},
	{HEAD "\"profile\":[" DAVE "],\"routes\":[" ROUTE "]}",
		"routes[0]: aor is missing or not in the profile"},
	{HEAD "\"profile\":[{\"aor\":\"sip:bob@b\",\"status\":\"offline\"}],\"routes\":[" ROUTE
	      "]}",
		"routes[0]: a route to a peer that is offline"},
	{HEAD "\"profile\":[" BOB "],\"routes\":[" ROUTE "," ROUTE "]}",
		"routes is missing, no array or longer than the profile"},
	{HEAD "\"profile\":[" BOB "," DAVE "],\"routes\":[" ROUTE "," ROUTE "]}",
		"routes[1]: aor comes twice"},
	{HEAD "\"profile\":[" DAVE "," DAVE "],\"routes\":[]}", "profile[1]: aor comes twice"},
	{HEAD "\"profile\":[{\"aor\":\"sip:bob@b\",\"status\":\"away\"}],\"routes\":[]}",
		"profile[0]: status is neither online nor offline"},
	{HEAD "\"profile\":[{\"aor\":\"mailto:x\",\"status\":\"offline\"}],\"routes\":[]}",
		"profile[0]: aor is malformed"},
	{HEAD "\"profile\":[{\"aor\":\"sip:x\\r\\ny\",\"status\":\"offline\"}],\"routes\":[]}",
		"profile[0]: aor is malformed"},
	{HEAD "\"profile\":[{\"aor\":\"sip:\",\"status\":\"offline\"}],\"routes\":[]}",
		"profile[0]: aor is malformed"},
	{HEAD "\"profile\":[7],\"routes\":[]}", "profile[0]: aor is missing or no string"},
	{HEAD "\"profile\":{},\"routes\":[]}", "profile is missing, no array or too long"},
	{HEAD "\"profile\":[]}", "routes is missing, no array or longer than the profile"},
	{HEAD "\"profile\":[" BOB "],\"routes\":[{\"aor\":\"sip:bob@b\",\"contacts\":[],"
	      "\"x5t#S256\":\"" FINGERPRINT "\",\"expires\":540}]}",
		"routes[0]: contacts is missing, empty or too long"},
	{HEAD "\"profile\":[" BOB "],\"routes\":[{\"aor\":\"sip:bob@b\",\"contacts\":[\"x>\"],"
	      "\"x5t#S256\":\"" FINGERPRINT "\",\"expires\":540}]}",
		"routes[0]: contact is malformed"},
	{HEAD "\"profile\":[" BOB "],\"routes\":[{\"aor\":\"sip:bob@b\"," CONTACTS ",\"x5t#S256\":"
	      "\"AA\",\"expires\":540}]}",
		"routes[0]: x5t#S256 is malformed"},
	{HEAD "\"profile\":[" BOB "],\"routes\":[{\"aor\":\"sip:bob@b\"," CONTACTS
	      ",\"x5t#S256\":\"" FINGERPRINT "\",\"expires\":-1}]}",
		"routes[0]: expires is missing or no number of seconds"},
	{HEAD "\"profile\":[" BOB "],\"routes\":[{\"aor\":\"sip:bob@b\"," CONTACTS
	      ",\"x5t#S256\":\"" FINGERPRINT "\",\"expires\":1.5}]}",
		"routes[0]: expires is missing or no number of seconds"},
	{"{\"version\":2}", "version is not 1"},
	{"{\"version\":\"1\"}", "version is not 1"},
	{"{}", "version is not 1"},
	{"[]", "no JSON object"},
	{"{\"version\":1}", "aor is missing or no string"},
	{"{\"version\":1,\"aor\":\"sip:a@b\",\"token\":\"a b\"}", "token is malformed"},
	{"{\"version\":1,\"aor\":\"sip:a@b\",\"token\":\"t\",\"expires\":99999999999}",
		"expires is missing or no number of seconds"},
	{"{\"version\":1,\"aor\":\"sip:a@b\",\"token\":\"t\",\"expires\":1,\"token_expires\":1}",
		"jwks is missing or has no keys"},
	{"", "no JSON: "},
	{"{", "no JSON: "},
	{"{\"version\":1,\"version\":1}", "no JSON: "},
	{HEAD "\"profile\":[],\"routes\":[]} x", "no JSON: "},
	{"\xff\xff", "no JSON: "},
};

Test(profile, hostile)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[128] = "";
		size_t length = strlen(cases[i].text);
		char *copy = malloc(length + 1); // exactly as long, for the address sanitizer
		memcpy(copy, cases[i].text, length);
		struct profile *p = profile_read(copy, length, error);
		cr_expect_eq(p != NULL, cases[i].error == NULL, "%s: %s", cases[i].text, error);
		if (cases[i].error != NULL)
			cr_expect_eq(strncmp(error, cases[i].error, strlen(cases[i].error)), 0,
				"%s: %s", cases[i].text, error);
		profile_free(p);
		free(copy);
	}
	char error[128];
	cr_expect_null(profile_read(NULL, 0, error));
}

Test(profile, truncated)
{
	const char *whole = cases[0].text;
	for (size_t n = 0; n < strlen(whole); n++) {
		char error[128] = "";
		struct profile *p = profile_read(whole, n, error);
		cr_expect_null(p, "%zu bytes", n);
		cr_expect_neq(error[0], '\0');
	}
}

Test(profile, deep_nesting)
{
	char error[128];
	char *deep = malloc(1000000);
	memset(deep, '[', 1000000);
	cr_expect_null(profile_read(deep, 1000000, error));
	free(deep);
}

Test(profile, corpus)
{
	cr_assert_geq(corpus_replay("profile_body", LLVMFuzzerTestOneInput), 10);
}
