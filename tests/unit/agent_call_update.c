// SPDX-License-Identifier: BSD-3-Clause
// INVITE inside a call as the peer sends it: another direction, keys, address; or none, and we
// offer. Written by bob's agent by hand.
#include "tests/unit/agent_pair.h"

TestSuite(agent_call_update, .init = world_init, .fini = world_fini, .timeout = 60);

static int change_status;
static struct sdp change_answer;
static struct sdp_lines lines; // that bob offers; empty: one for audio

static void changed(void *arg, const struct msg *response, const char *why)
{
	const char *body;
	char error[128];
	size_t length;

	(void)arg, (void)why;
	change_status = response ? msg_status(response) : 408;
	body = response ? msg_body(response, &length) : NULL;
	if (change_status == 200)
		cr_assert_eq(sdp_read(body, length, &change_answer, error), 0, "%s", error);
}

static void describe(
	struct msg *msg, unsigned direction, const struct sdp_crypto *key, unsigned port)
{
	struct sdp sdp = {.session_id = 1,
		.session_version = 7,
		.direction = direction,
		.rtcp_mux = true,
		.n_payloads = 1,
		.n_cryptos = 1,
		.payloads = {{0, "PCMU/8000"}},
		.cryptos = {*key},
		.lines = lines,
		.address = b->config.wire_address};
	char *body;

	address_set_port(&sdp.address, port ? port : only_call(b)->media.wire_port);
	body = sdp_write(&sdp);
	msg_set_body(msg, "application/sdp", body, strlen(body));
	sdp_text_free(body);
}

static struct conn *to_alice(void)
{
	struct dialog *dialog = &only_call(b)->dialog;

	return link_get(b->agent, dialog->target, dialog->fingerprint);
}

// A request of bob's in the call; `ack_cseq`: that of the INVITE that it acknowledges.
static struct msg *bobs(const char *method, unsigned ack_cseq)
{
	struct call *call = only_call(b);

	return dialog_request(&call->dialog, b->agent, method, ack_cseq, call->endpoint->contact);
}

static int invite(struct msg *msg)
{
	change_status = 0;
	transaction_send(b->agent->transactions, to_alice(), msg, 0, changed, NULL);
	UNTIL(change_status);
	return change_status;
}

static void acknowledge(unsigned direction, const struct sdp_crypto *key)
{
	struct msg *ack = bobs("ACK", only_call(b)->dialog.local_cseq);

	if (key)
		describe(ack, direction, key, 0);
	conn_send(to_alice(), ack);
	msg_free(ack);
}

static int change_call(unsigned direction, const struct sdp_crypto *key, unsigned port)
{
	struct msg *msg = bobs("INVITE", 0);

	describe(msg, direction, key, port);
	if (invite(msg) == 200)
		call_send_ack(only_call(b), only_call(b)->dialog.local_cseq);
	return change_status;
}

Test(agent_call_update, hold_and_resume)
{
	struct sdp_crypto key;
	char *tx;

	start(CONFIG_ANSWER);
	place();
	key = only_call(b)->media.tx;
	tx = strdup(text(engine_session(&a->engine), "tx_key"));
	cr_assert_eq(change_call(MEDIA_SEND, &key, 0), 200);
	cr_assert_str_eq(text(engine_session(&a->engine), "direction"), "recvonly");
	cr_assert_eq(change_answer.direction, MEDIA_RECEIVE);
	cr_assert_eq(change_call(0, &key, 0), 200);
	cr_assert_str_eq(text(engine_session(&a->engine), "direction"), "inactive");
	cr_assert_eq(change_call(MEDIA_SEND | MEDIA_RECEIVE, &key, 0), 200);
	cr_assert_str_eq(text(engine_session(&a->engine), "direction"), "sendrecv");
	cr_assert_str_eq(text(engine_session(&a->engine), "tx_key"), tx, "the keys stay");
	cr_assert_eq(change_call(MEDIA_SEND | MEDIA_RECEIVE, &key, 0), 200);
	cr_assert_eq(a->engine.updates, 3, "nothing to change the fourth time");
	hang_up(a);
	UNTIL(clean(a) && clean(b));
	free(tx);
}

Test(agent_call_update, new_keys_and_another_address)
{
	struct sdp_crypto key = {.tag = 1, .suite = "AEAD_AES_128_GCM"};
	char *tx;

	start(CONFIG_ANSWER);
	place();
	tx = strdup(text(engine_session(&a->engine), "tx_key"));
	sdp_new_key(&key);
	cr_assert_eq(change_call(MEDIA_SEND | MEDIA_RECEIVE, &key, 45678), 200);
	cr_assert_str_eq(text(engine_session(&a->engine), "rx_key"), key.key);
	cr_assert_str_neq(text(engine_session(&a->engine), "tx_key"), tx);
	cr_assert_str_eq(change_answer.cryptos[0].key, text(engine_session(&a->engine), "tx_key"));
	cr_assert_str_eq(
		session_text(engine_session(&a->engine), "wire", "remote"), "10.0.0.2:45678");
	hang_up(b);
	UNTIL(clean(a) && clean(b));
	free(tx);
}

Test(agent_call_update, a_change_after_a_restart_and_one_that_is_refused)
{
	struct sdp_crypto key = {.tag = 1, .suite = "AES_CM_128_HMAC_SHA1_80"};
	struct sdp_crypto unknown = {.tag = 1, .suite = "AES_CM_128_HMAC_SHA1_32"};

	start(CONFIG_ANSWER);
	place();
	sdp_new_key(&unknown);
	cr_assert_eq(change_call(MEDIA_SEND, &unknown, 0), 488);
	cr_assert_str_eq(text(engine_session(&a->engine), "direction"), "sendrecv");
	restart(a);
	UNTIL(logged_in(a, "alice"));
	sdp_new_key(&key);
	cr_assert_eq(change_call(MEDIA_SEND, &key, 0), 200);
	cr_assert_str_eq(text(engine_session(&a->engine), "suite"), "AES_CM_128_HMAC_SHA1_80");
	cr_assert_str_eq(text(engine_session(&a->engine), "direction"), "recvonly");
	engine_stop(&a->engine);
	UNTIL(!dataplane_is_ready(a->agent));
	cr_assert_eq(change_call(MEDIA_SEND | MEDIA_RECEIVE, &key, 0), 500);
	engine_start(&a->engine);
	UNTIL(dataplane_is_ready(a->agent));
	hang_up(a);
	UNTIL(clean(a) && clean(b));
}

// RFC 3264 section 6; and section 8: what was once there stays in later offers
Test(agent_call_update, other_streams_than_audio_are_refused)
{
	struct sdp_crypto key;

	start(CONFIG_ANSWER);
	place();
	key = only_call(b)->media.tx;
	lines = (struct sdp_lines){
		.n = 2, .ours = 1, .at = {{"video", "RTP/SAVP", "99"}, {"audio", "RTP/SAVP", "0"}}};
	cr_assert_eq(change_call(MEDIA_SEND | MEDIA_RECEIVE, &key, 0), 200);
	cr_assert_eq(change_answer.lines.n, 2);
	cr_assert_eq(change_answer.lines.ours, 1);
	cr_assert_str_eq(change_answer.lines.at[0].media, "video");
	cr_assert_neq(address_port(&change_answer.address), 0);
	restart(a);
	UNTIL(logged_in(a, "alice"));
	cr_assert_eq(invite(bobs("INVITE", 0)), 200);
	cr_assert_eq(change_answer.lines.n, 2);
	cr_assert_eq(change_answer.lines.ours, 1);
	cr_assert_str_eq(change_answer.lines.at[0].protocol, "RTP/SAVP");
	cr_assert_str_eq(change_answer.lines.at[0].format, "99");
	lines.ours = lines.n = 0; // an answer with fewer lines is none
	acknowledge(MEDIA_SEND, &key);
	UNTIL(clean(a) && clean(b));
}

// ---- INVITE without an offer: a's is in its 200, bob's answer in the ACK

Test(agent_call_update, asked_to_offer)
{
	struct sdp_crypto key;
	char *tx;

	start(CONFIG_ANSWER);
	place();
	key = only_call(b)->media.tx;
	tx = strdup(text(engine_session(&a->engine), "tx_key"));
	cr_assert_eq(invite(bobs("INVITE", 0)), 200);
	cr_assert_eq(change_answer.direction, MEDIA_SEND | MEDIA_RECEIVE);
	cr_assert_eq(change_answer.n_cryptos, 1);
	cr_assert_str_eq(change_answer.cryptos[0].key, tx);
	// Until the ACK the call is as it was, and nobody else changes it
	cr_assert_eq(a->engine.updates, 0);
	host_call(a, API_CALL_HOLD, json_pack("{s:s}", "call", only_call(a)->id));
	cr_assert_eq(failed_with(a), 491);
	cr_assert_eq(invite(bobs("INVITE", 0)), 491);
	only_call(b)->dialog.local_cseq--;
	key.tag = change_answer.cryptos[0].tag;
	acknowledge(MEDIA_SEND, &key);
	UNTIL(!strcmp(text(engine_session(&a->engine), "direction"), "recvonly"));
	cr_assert_eq(a->engine.updates, 1);
	cr_assert_str_eq(text(engine_session(&a->engine), "tx_key"), tx, "the keys stay");
	UNTIL(!strcmp(text(a->last_event, "hold"), "remote"));
	only_call(b)->dialog.local_cseq++;
	cr_assert_eq(invite(bobs("INVITE", 0)), 200, "and again");
	acknowledge(MEDIA_SEND | MEDIA_RECEIVE, &key);
	UNTIL(!strcmp(text(engine_session(&a->engine), "direction"), "sendrecv"));
	free(tx);
}

// Another key of the peer's: ours is changed as well, by an INVITE of our own
Test(agent_call_update, asked_to_offer_and_answered_with_another_key)
{
	struct sdp_crypto key = {.tag = 1, .suite = "AEAD_AES_128_GCM"};
	json_t *at_a, *at_b;
	char *tx;

	start(CONFIG_ANSWER);
	place();
	tx = strdup(text(engine_session(&a->engine), "tx_key"));
	sdp_new_key(&key);
	cr_assert_eq(invite(bobs("INVITE", 0)), 200);
	key.tag = change_answer.cryptos[0].tag;
	acknowledge(MEDIA_SEND | MEDIA_RECEIVE, &key);
	UNTIL(a->engine.updates && b->engine.updates && !only_call(a)->change);
	at_a = engine_session(&a->engine);
	at_b = engine_session(&b->engine);
	cr_assert_str_neq(text(at_a, "tx_key"), tx);
	cr_assert_str_eq(text(at_a, "tx_key"), text(at_b, "rx_key"));
	cr_assert_str_eq(text(at_b, "tx_key"), text(at_a, "rx_key"));
	free(tx);
}

// The keys are in the engine alone: new ones are offered
Test(agent_call_update, asked_to_offer_after_a_restart)
{
	struct sdp_crypto key = {.tag = 2, .suite = "AES_CM_128_HMAC_SHA1_80"};
	char *tx;

	start(CONFIG_ANSWER);
	place();
	tx = strdup(text(engine_session(&a->engine), "tx_key"));
	restart(a);
	UNTIL(logged_in(a, "alice"));
	sdp_new_key(&key);
	cr_assert_eq(invite(bobs("INVITE", 0)), 200);
	cr_assert_eq(change_answer.n_cryptos, 2);
	cr_assert_str_neq(change_answer.cryptos[0].key, tx);
	cr_assert_str_eq(change_answer.cryptos[1].suite, key.suite);
	acknowledge(MEDIA_SEND | MEDIA_RECEIVE, &key);
	UNTIL(!strcmp(text(engine_session(&a->engine), "rx_key"), key.key));
	cr_assert_str_eq(text(engine_session(&a->engine), "tx_key"), change_answer.cryptos[1].key);
	cr_assert_str_eq(text(engine_session(&a->engine), "suite"), key.suite);
	free(tx);
}

Test(agent_call_update, asked_to_offer_and_no_answer_that_can_be_used)
{
	struct sdp_crypto key = {.tag = 7, .suite = "AEAD_AES_128_GCM"};
	unsigned i;

	start(CONFIG_ANSWER);
	sdp_new_key(&key);
	for (i = 0; i < 3; i++) {
		place();
		cr_assert_eq(invite(bobs("INVITE", 0)), 200);
		cr_assert_eq(change_answer.direction, MEDIA_SEND | MEDIA_RECEIVE);
		if (i == 2) // the time for an ACK is over
			event_active(only_call(a)->timer, EV_TIMEOUT, 0);
		else
			acknowledge(MEDIA_SEND, i == 0 ? NULL : &key);
		UNTIL(clean(a) && clean(b));
	}
	place();
	engine_stop(&a->engine);
	UNTIL(!dataplane_is_ready(a->agent));
	cr_assert_eq(invite(bobs("INVITE", 0)), 500);
	cr_assert(established(a));
}
