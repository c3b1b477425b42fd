// SPDX-License-Identifier: BSD-3-Clause
// Calls that the access server has redirected to an agent: their tokens, and every other use of
// them.
#include "tests/unit/agent_stranger.h"

TestSuite(agent_redirected, .init = start, .fini = stop, .timeout = 60);

// The request URI of a redirected call
static const char *redirected(
	const char *callee, const char *call_id, const char *fingerprint, unsigned lifetime_s)
{
	static char uri[4096];
	const struct token_call call = {callee, call_id};
	char *token = token_sign(w.signer, BOB, fingerprint, &call, lifetime_s);

	snprintf(
		uri, sizeof(uri), "%s;" TOKEN_PARAM "=%s", endpoint_of(a, "alice")->contact, token);
	free(token);
	return uri;
}

#define REDIRECTED(...)                                                                            \
	send_it((struct request){.method = "INVITE", .call_id = "c1", .no_body = true, __VA_ARGS__})
#define REFUSED(code, why, ...)                                                                    \
	do {                                                                                       \
		cr_assert_eq(REDIRECTED(__VA_ARGS__), code, "%d %s", x.status, x.reason);          \
		cr_assert_str_eq(x.reason, why);                                                   \
	} while (0)

Test(agent_redirected, a_redirected_call_brings_its_token)
{
	x_connect(true);
	// Believed: what is missing now is an offer
	REFUSED(488, "Offer Required", .uri = redirected(ALICE, "c1", x.fingerprint, 30));
	// A phone goes on with the credentials that the access server asked for
	REFUSED(488, "Offer Required", .uri = redirected(ALICE, "c1", x.fingerprint, 30),
		.token = "Digest username=\"bob\", realm=\"r\"");
}

Test(agent_redirected, tokens_of_redirected_calls_that_are_refused)
{
	char *login, uri[4096];

	x_connect(true);
	REFUSED(403, "Token For Another Callee",
		.uri = redirected("sip:zoe@example.org", "c1", x.fingerprint, 30));
	REFUSED(403, "Token Of Another Call", .uri = redirected(ALICE, "c2", x.fingerprint, 30));
	REFUSED(403, "Certificate Mismatch",
		.uri = redirected(ALICE, "c1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 30));
	REFUSED(403, "Token Of Another User", .from = MALLORY,
		.uri = redirected(ALICE, "c1", x.fingerprint, 30));
	REFUSED(404, "Not Found", .to = "sip:zoe@example.org",
		.uri = redirected(ALICE, "c1", x.fingerprint, 30));
	snprintf(uri, sizeof(uri), "%s", redirected(ALICE, "c1", x.fingerprint, 30));
	uri[strlen(uri) - 20] ^= 1;
	REFUSED(401, "Invalid Token", .uri = uri);
	snprintf(uri, sizeof(uri), "%s;" TOKEN_PARAM, endpoint_of(a, "alice")->contact);
	REFUSED(401, "Token Required", .uri = uri);
	// Each kind where it belongs: for a call in the URI, for the rest in the header
	login = token_for(BOB, 600);
	snprintf(
		uri, sizeof(uri), "%s;" TOKEN_PARAM "=%s", endpoint_of(a, "alice")->contact, login);
	REFUSED(403, "Token Of Another Kind", .uri = uri);
	REFUSED(403, "Token Of Another Kind",
		.token = strstr(redirected(ALICE, "c1", x.fingerprint, 30), TOKEN_PARAM) +
			 strlen(TOKEN_PARAM "="));
	snprintf(uri, sizeof(uri), "%s", redirected(ALICE, "c1", x.fingerprint, 30));
	cr_assert_eq(SEND(.uri = uri, .call_id = "c1"), 401, "a notification");
	cr_assert_eq(SEND(.method = "OPTIONS", .uri = uri, .call_id = "c1"), 401);
	free(login);
	UNCHANGED();
	cr_assert_eq(a->agent->calls->by_id.count, 0);
	cr_assert_null(a->last_event);
}

Test(agent_redirected, the_token_of_a_redirected_call_expires)
{
	char uri[4096];

	x_connect(true);
	snprintf(uri, sizeof(uri), "%s", redirected(ALICE, "c1", x.fingerprint, 0));
	world_run_ms(6500);
	REFUSED(401, "Token Expired", .uri = uri);
	UNCHANGED();
}

Test(agent_redirected, a_redirected_call_without_permission_does_not_ring)
{
	char uri[4096];
	const struct token_call call = {ALICE, "c1"};
	char *token;

	x_connect(true);
	token = token_sign(w.signer, MALLORY, x.fingerprint, &call, 30);
	snprintf(
		uri, sizeof(uri), "%s;" TOKEN_PARAM "=%s", endpoint_of(a, "alice")->contact, token);
	REFUSED(403, "Not Permitted", .from = MALLORY, .uri = uri);
	free(token);
	UNCHANGED();
	cr_assert_null(a->last_event);
}

Test(agent_redirected, a_redirected_call_without_a_certificate)
{
	x_connect(false);
	REFUSED(403, "Client Certificate Required",
		.uri = redirected(ALICE, "c1", x.fingerprint, 30));
}
