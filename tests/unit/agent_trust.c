// SPDX-License-Identifier: BSD-3-Clause
// Whom an agent believes: forged, foreign, expired tokens, strangers, garbage; each its own refusal
// and nothing changed.
#include "tests/unit/agent_stranger.h"

TestSuite(agent_trust, .init = start, .fini = stop, .timeout = 60);

Test(agent_trust, a_good_token_is_believed)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.token = token), 200);
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	cr_assert_str_eq(peer_of(a, "alice", "bob")->contact, BOB_CONTACT);
	cr_assert_str_eq(peer_of(a, "alice", "bob")->fingerprint, x.fingerprint);
	free(token);
}

Test(agent_trust, tokens_missing_malformed_forged_expired)
{
	struct token_signer *forger;
	char path[128], *token;

	x_connect(true);
	cr_assert_eq(SEND(.token = NULL), 401);
	cr_assert(strstr(x.authenticate, "Bearer"));
	cr_assert_null(strstr(x.authenticate, "Digest"));
	cr_assert_null(strstr(x.authenticate, "invalid_token"));
	cr_assert_eq(SEND(.token = "Digest username=\"bob\", realm=\"r\""), 401);
	cr_assert_eq(SEND(.token = "garbage"), 401);
	cr_assert(strstr(x.authenticate, "error=\"invalid_token\""));
	cr_assert_str_eq(x.reason, "Invalid Token");
	snprintf(path, sizeof(path), "%s/forger.key", w.dir);
	forger = token_signer_new(path, "access.test");
	token = token_sign(forger, BOB, x.fingerprint, NULL, 600);
	cr_assert_eq(SEND(.token = token), 401);
	cr_assert_str_eq(x.reason, "Invalid Token");
	free(token);
	token_signer_free(forger);
	UNCHANGED();
}

Test(agent_trust, an_expired_token)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 0);
	world_run_ms(6500); // five seconds of it are clock skew
	cr_assert_eq(SEND(.token = token), 401);
	cr_assert_str_eq(x.reason, "Token Expired");
	cr_assert(strstr(x.authenticate, "error=\"invalid_token\""));
	free(token);
	UNCHANGED();
}

Test(agent_trust, the_token_of_another_certificate_or_user)
{
	char *token;

	x_connect(true);
	token = token_sign(w.signer, BOB, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, 600);
	cr_assert_eq(SEND(.token = token), 403);
	cr_assert_str_eq(x.reason, "Certificate Mismatch");
	free(token);
	token = token_for(MALLORY, 600);
	cr_assert_eq(SEND(.token = token), 403);
	cr_assert_str_eq(x.reason, "Token Of Another User");
	cr_assert_eq(SEND(.token = token, .from = MALLORY, .entity = MALLORY), 403);
	cr_assert_str_eq(x.reason, "Not Permitted");
	free(token);
	UNCHANGED();
	cr_assert_null(peer_of(a, "alice", "mallory"));
}

Test(agent_trust, without_a_certificate)
{
	char *token;

	x_connect(false);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.token = token), 403);
	cr_assert_str_eq(x.reason, "Client Certificate Required");
	free(token);
	UNCHANGED();
}

Test(agent_trust, an_endpoint_that_is_not_here_or_not_logged_in)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(
		SEND(.token = token, .to = "sip:zoe@example.org", .uri = "sip:zoe@example.org"),
		404);
	cr_assert_eq(SEND(.token = token, .uri = "sip:zoe@example.org"), 404);
	cr_assert_eq(SEND(.token = token, .uri = endpoint_of(a, "alice")->contact), 200);
	cr_assert_eq(SEND(.token = token, .expires = -1), 200);
	UNCHANGED();
	host_call(a, API_ENDPOINT_LOG_OUT, json_pack("{s:s}", "endpoint", ALICE));
	UNTIL(endpoint_of(a, "alice")->state == ENDPOINT_LOGGED_OUT);
	cr_assert_eq(SEND(.token = token), 480);
	free(token);
}

Test(agent_trust, bad_notifications_of_a_permitted_peer)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.token = token, .event = "dialog"), 489);
	cr_assert_eq(SEND(.token = token, .event = ""), 489);
	cr_assert_eq(SEND(.token = token, .no_body = true), 400);
	cr_assert_eq(SEND(.token = token, .body_type = "text/plain"), 415);
	cr_assert_eq(SEND(.token = token, .entity = MALLORY), 403);
	cr_assert_eq(SEND(.token = token, .contact = "sip:bob@127.0.0.9:5060"), 400);
	cr_assert_eq(SEND(.token = token, .contact = "sip:bob@host.example;transport=tls"), 400);
	cr_assert_eq(SEND(.token = token, .contact = "sip:bob@0.0.0.0:5061;transport=tls"), 400);
	cr_assert_eq(SEND(.token = token, .match = "unknown", .no_body = true), 412);
	UNCHANGED();
	cr_assert_eq(SEND(.token = token), 200);
	cr_assert_eq(SEND(.token = token, .match = "unknown", .no_body = true), 412);
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	free(token);
}

Test(agent_trust, refresh_and_removal_by_entity_tag)
{
	char *token, etag[64];

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.token = token), 200);
	snprintf(etag, sizeof(etag), "%s", x.etag);
	cr_assert_eq(SEND(.token = token, .match = etag, .no_body = true), 200);
	cr_assert_str_neq(x.etag, etag, "a new tag for each");
	cr_assert_eq(SEND(.token = token, .match = etag, .no_body = true), 412);
	// The whole state again, with the tag that the 200 gave
	cr_assert_eq(SEND(.token = token), 200);
	snprintf(etag, sizeof(etag), "%s", x.etag);
	cr_assert_eq(SEND(.token = token, .match = etag, .no_body = true, .expires = -1), 200);
	UNCHANGED();
	free(token);
}

Test(agent_trust, an_invite_without_permission_does_not_ring)
{
	char *token;

	x_connect(true);
	token = token_for(MALLORY, 600);
	cr_assert_eq(SEND(.method = "INVITE", .token = token, .from = MALLORY), 403);
	cr_assert_eq(SEND(.method = "INVITE", .token = NULL), 401);
	cr_assert_null(strstr(x.authenticate, "Digest"), "never a digest challenge between peers");
	cr_assert_eq(a->agent->calls->by_id.count, 0);
	cr_assert_null(a->last_event);
	free(token);
}

Test(agent_trust, an_invite_that_cannot_be_used)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.method = "INVITE", .token = token), 415);
	cr_assert_eq(SEND(.method = "INVITE", .token = token, .no_body = true), 488);
	cr_assert_eq(SEND(.method = "INVITE", .token = token, .body_type = "application/sdp"), 488);
	cr_assert_eq(SEND(.method = "INVITE", .token = token, .contact = "sip:bob@nowhere"), 400);
	UNTIL(!a->agent->calls->by_id.count && !a->agent->calls->held);
	cr_assert_eq(media_ports_in_use(a->agent->ports), 0);
	cr_assert_eq(a->engine.adds, 0);
	free(token);
}

Test(agent_trust, an_offline_peer_that_calls_is_online)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.method = "INVITE", .token = token), 415);
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	free(token);
}

Test(agent_trust, requests_outside_any_call)
{
	char *token;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(SEND(.method = "OPTIONS", .token = token), 200);
	cr_assert_eq(SEND(.method = "OPTIONS"), 401);
	cr_assert_eq(SEND(.method = "BYE", .token = token), 481);
	cr_assert_eq(SEND(.method = "CANCEL", .token = token), 481);
	cr_assert_eq(SEND(.method = "REGISTER", .token = token), 405);
	cr_assert_eq(SEND(.method = "SUBSCRIBE", .token = token), 405);
	free(token);
}

Test(agent_trust, too_many_refusals_close_the_connection)
{
	int i;

	x_connect(true);
	for (i = 0; i < 19; i++)
		cr_assert_eq(SEND(.token = "x"), 401);
	SEND(.token = "x");
	UNTIL(x.closed);
	x_connect(true);
	cr_assert_eq(SEND(.token = "x"), 401);
}

// bob's old agent, left for another, does not take the new one offline
Test(agent_trust, only_the_agent_that_spoke_last_says_farewell)
{
	char *token, other[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct peer *bob = peer_of(a, "alice", "bob");

	x_connect(true);
	token = token_for(BOB, 600);
	peer_told(bob, "sip:bob@127.0.0.8:5061;transport=tls", other, 600);
	cr_assert_eq(SEND(.token = token, .expires = -1), 200);
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	cr_assert_str_eq(bob->fingerprint, other);
	cr_assert_eq(SEND(.token = token), 200);
	cr_assert_eq(SEND(.token = token, .expires = -1), 200);
	UNCHANGED();
	free(token);
}

static struct msg *build_invite(const char *token, const char *branch)
{
	static const char sdp[] =
		"v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
		"m=audio 20000 RTP/SAVP 0\r\na=rtcp-mux\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		"inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n";
	struct msg *msg =
		build(&(struct request){.method = "INVITE", .token = token, .no_body = true});
	osip_via_t *via = osip_list_get(&msg->sip->vias, 0);
	osip_generic_param_t *param = NULL;
	char name[] = "branch";

	msg_set_body(msg, "application/sdp", sdp, strlen(sdp));
	osip_generic_param_get_byname(&via->via_params, name, &param);
	if (branch) {
		osip_free(param->gvalue);
		param->gvalue = osip_strdup(branch);
	}
	return msg;
}

static int invite(const char *token, const char *branch)
{
	struct msg *msg = build_invite(token, branch);

	x.status = 0;
	cr_assert_eq(conn_send(x.conn, msg), 0);
	msg_free(msg);
	UNTIL(x.status);
	return x.status;
}

Test(agent_trust, a_peer_cannot_have_calls_without_end)
{
	char *token, branch[400];
	int i;

	a->config.calls_per_peer = 3;
	x_connect(true);
	token = token_for(BOB, 600);
	for (i = 0; i < 3; i++)
		cr_assert_eq(invite(token, NULL), 180);
	for (i = 0; i < 30; i++)
		cr_assert_eq(invite(token, NULL), 486);
	cr_assert_str_eq(x.reason, "Too Many Calls");
	cr_assert_eq(a->agent->calls->by_id.count, 3);
	cr_assert_eq(transaction_count(a->agent->transactions), 3, "none for the refused");
	a->config.calls_per_peer = 100;
	a->config.calls_per_endpoint = 4;
	cr_assert_eq(invite(token, NULL), 180);
	cr_assert_eq(invite(token, NULL), 486);
	conn_abort(x.conn);
	x.conn = NULL;
	UNTIL(!a->agent->calls->by_id.count);
	cr_assert_eq(peer_of(a, "alice", "bob")->calls, 0);
	cr_assert_eq(endpoint_of(a, "alice")->calls, 0);
	x_connect(true);
	memset(branch, 'b', sizeof(branch));
	memcpy(branch, "z9hG4bK", 7);
	branch[sizeof(branch) - 1] = '\0';
	cr_assert_eq(invite(token, branch), 500, "kept for each call: not of any length");
	cr_assert_eq(transaction_count(a->agent->transactions), 0);
	cr_assert_eq(invite(token, NULL), 180);
	free(token);
}

// The certificate is right, but the tag is not that of the call
Test(agent_trust, a_call_belongs_to_its_tags)
{
	struct msg_request request = {.method = "BYE",
		.uri = ALICE,
		.from = BOB,
		.from_tag = "other",
		.to = ALICE,
		.sent_by = "127.0.0.9:5061",
		.cseq = 100};
	char *token;
	struct call *call;
	struct msg *bye;

	x_connect(true);
	token = token_for(BOB, 600);
	cr_assert_eq(invite(token, NULL), 180);
	call = map_entry(map_first(&a->agent->calls->by_id), struct call, by_id);
	request.call_id = call->dialog.call_id;
	request.to_tag = call->dialog.local_tag;
	bye = msg_new_request(&request);
	x.status = 0;
	conn_send(x.conn, bye);
	msg_free(bye);
	UNTIL(x.status);
	cr_assert_eq(x.status, 481);
	cr_assert_eq(call->state, CALL_RINGING);
	request.from_tag = "f";
	bye = msg_new_request(&request);
	x.status = 0;
	conn_send(x.conn, bye);
	msg_free(bye);
	UNTIL(x.status && !a->agent->calls->by_id.count);
	free(token);
}

// A call of bob's that rings at alice's; returns its BYE as somebody else would send it
Test(agent_trust, a_call_belongs_to_its_certificate)
{
	struct host *b = host_new(1, NAMES("bob"), CONFIG_ANSWER);
	struct msg_request request = {.method = "BYE",
		.uri = ALICE,
		.from = BOB,
		.to = ALICE,
		.sent_by = "127.0.0.9:5061",
		.cseq = 100};
	struct call *call;
	struct msg *bye;

	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	host_call(a, API_CALL_PLACE, json_pack("{s:s, s:s}", "from", ALICE, "to", BOB));
	cr_assert(a->result);
	call = map_entry(map_first(&a->agent->calls->by_id), struct call, by_id);
	x_connect(true);
	request.call_id = call->dialog.call_id;
	request.from_tag = call->dialog.remote_tag;
	request.to_tag = call->dialog.local_tag;
	bye = msg_new_request(&request);
	x.status = 0;
	conn_send(x.conn, bye);
	UNTIL(x.status);
	cr_assert_eq(x.status, 403);
	cr_assert_str_eq(x.reason, "Certificate Mismatch");
	cr_assert_eq(call->state, CALL_ESTABLISHED);
	cr_assert_eq(engine_count(&a->engine), 1);
	msg_free(bye);
	host_kill(b);
}
