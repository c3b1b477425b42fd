// SPDX-License-Identifier: BSD-3-Clause
// INVITE inside a call: hold, resume, new keys, as the agent's API asks for it; on either side.
#include "tests/unit/agent_pair.h"

TestSuite(agent_call_change, .init = world_init, .fini = world_fini, .timeout = 60);

static json_t *ask(struct host *host, const char *method)
{
	return host_call(host, method, json_pack("{s:s}", "call", only_call(host)->id));
}

static void begin(struct host *host, const char *method)
{
	host_ask(host, method, json_pack("{s:s}", "call", only_call(host)->id));
}

static const char *hold_of(struct host *host)
{
	return media_hold_name(&only_call(host)->media);
}

static const char *direction_of(struct host *host)
{
	return text(engine_session(&host->engine), "direction");
}

// What one engine sends with, the other expects
static void assert_keys_agree(void)
{
	json_t *at_a = engine_session(&a->engine), *at_b = engine_session(&b->engine);

	cr_assert_str_eq(text(at_a, "tx_key"), text(at_b, "rx_key"));
	cr_assert_str_eq(text(at_b, "tx_key"), text(at_a, "rx_key"));
	cr_assert_str_eq(text(at_a, "suite"), text(at_b, "suite"));
	cr_assert_str_neq(text(at_a, "tx_key"), text(at_b, "tx_key"));
}

Test(agent_call_change, hold_of_either_and_both)
{
	uint64_t version;
	char *tx;

	start(CONFIG_ANSWER);
	place();
	tx = strdup(text(engine_session(&a->engine), "tx_key"));
	world_server_stop(); // nothing of this needs it
	version = only_call(a)->media.sdp_version;
	cr_assert_str_eq(text(ask(a, API_CALL_HOLD), "hold"), "local");
	cr_assert_eq(only_call(a)->media.sdp_version, version + 1);
	cr_assert_str_eq(direction_of(a), "sendonly");
	cr_assert_str_eq(direction_of(b), "recvonly");
	cr_assert_str_eq(hold_of(b), "remote");
	cr_assert_str_eq(text(b->last_event, "hold"), "remote");
	cr_assert_str_eq(text(ask(b, API_CALL_HOLD), "hold"), "both");
	cr_assert_str_eq(direction_of(a), "inactive");
	cr_assert_str_eq(direction_of(b), "inactive");
	cr_assert_str_eq(hold_of(a), "both");
	cr_assert_str_eq(text(ask(a, API_CALL_RESUME), "hold"), "remote");
	cr_assert_str_eq(direction_of(a), "recvonly");
	cr_assert_str_eq(direction_of(b), "sendonly");
	cr_assert_str_eq(text(ask(b, API_CALL_RESUME), "hold"), "none");
	cr_assert_str_eq(direction_of(a), "sendrecv");
	cr_assert_str_eq(direction_of(b), "sendrecv");
	cr_assert_str_eq(text(engine_session(&a->engine), "tx_key"), tx, "the keys stay");
	assert_keys_agree();
	hang_up(b);
	UNTIL(clean(a) && clean(b));
	free(tx);
}

Test(agent_call_change, holding_twice_changes_nothing)
{
	start(CONFIG_ANSWER);
	place();
	cr_assert_str_eq(text(ask(a, API_CALL_RESUME), "hold"), "none");
	cr_assert_eq(a->engine.updates, 0);
	ask(a, API_CALL_HOLD);
	cr_assert_str_eq(text(ask(a, API_CALL_HOLD), "hold"), "local");
	cr_assert_eq(a->engine.updates, 1);
}

Test(agent_call_change, a_held_call_does_not_time_out)
{
	start(CONFIG_ANSWER);
	place();
	a->config.hang_up_on_timeout = true;
	ask(a, API_CALL_HOLD);
	rpc_notify_all(a->engine.server, API_EVENT_MEDIA_TIMEOUT,
		json_pack("{s:O, s:O}", "id", json_object_get(engine_session(&a->engine), "id"),
			"tag", json_object_get(engine_session(&a->engine), "tag")));
	world_run_ms(50);
	cr_assert(established(a) && established(b));
}

Test(agent_call_change, new_keys_from_either_side_and_on_hold)
{
	struct host *hosts[2];
	char *tx, *rx;
	int i;

	start(CONFIG_ANSWER);
	place();
	hosts[0] = a;
	hosts[1] = b;
	for (i = 0; i < 4; i++) {
		if (i == 2)
			ask(a, API_CALL_HOLD);
		tx = strdup(text(engine_session(&a->engine), "tx_key"));
		rx = strdup(text(engine_session(&a->engine), "rx_key"));
		ask(hosts[i % 2], API_CALL_REKEY);
		cr_assert(hosts[i % 2]->result);
		assert_keys_agree();
		cr_assert_str_neq(text(engine_session(&a->engine), "tx_key"), tx);
		cr_assert_str_neq(text(engine_session(&a->engine), "rx_key"), rx);
		cr_assert_str_eq(direction_of(a), i < 2 ? "sendrecv" : "sendonly");
		free(tx);
		free(rx);
	}
}

Test(agent_call_change, both_at_a_time)
{
	start(CONFIG_ANSWER);
	place();
	begin(a, API_CALL_HOLD);
	begin(b, API_CALL_REKEY);
	UNTIL(a->answered && b->answered);
	cr_assert(a->result && b->result, "one of them refused");
	UNTIL(!strcmp(direction_of(a), "sendonly") && !strcmp(direction_of(b), "recvonly"));
	assert_keys_agree();
	cr_assert_str_eq(hold_of(b), "remote");
}

// The peer answers 491 until it is set right again
static void begin_into_glare(const char *method)
{
	only_call(b)->state = CALL_RINGING;
	begin(a, method);
	UNTIL(only_call(a)->change && !only_call(a)->next);
	only_call(b)->state = CALL_ESTABLISHED;
}

Test(agent_call_change, asked_again_after_glare)
{
	uint64_t began_us;

	start(CONFIG_ANSWER);
	place();
	began_us = agent_now_us();
	begin_into_glare(API_CALL_HOLD);
	cr_assert(!a->answered);
	ask(a, API_CALL_REKEY);
	cr_assert_eq(failed_with(a), 491, "one change after the other");
	cr_assert(strstr(text(a->error, "message"), "under way"));
	UNTIL(!strcmp(direction_of(b), "recvonly") && !strcmp(direction_of(a), "sendonly"));
	cr_assert_gt(agent_now_us() - began_us, 2100000, "who owns the Call-ID waits longer");
	UNTIL(!strcmp(hold_of(a), "local")); // the agent hears of it after its engine
}

Test(agent_call_change, not_before_the_call_stands)
{
	start(CONFIG_ASK);
	host_ask(a, API_CALL_PLACE, parties());
	UNTIL(ringing(a) && ringing(b));
	ask(b, API_CALL_HOLD);
	cr_assert_eq(failed_with(b), 409);
	host_call(a, API_CALL_HOLD, json_pack("{s:s}", "call", "c99"));
	cr_assert_eq(json_integer_value(json_object_get(a->error, "code")), RPC_NOT_FOUND);
}

Test(agent_call_change, refused_by_the_peer_the_call_goes_on)
{
	start(CONFIG_ANSWER);
	place();
	engine_stop(&b->engine);
	UNTIL(!dataplane_is_ready(b->agent));
	ask(a, API_CALL_REKEY);
	cr_assert_eq(failed_with(a), 500);
	engine_start(&b->engine);
	UNTIL(dataplane_is_ready(b->agent));
	cr_assert(established(a) && established(b));
	cr_assert_eq(a->engine.updates, 0);
	assert_keys_agree();
	ask(a, API_CALL_REKEY);
	cr_assert(a->result);
	assert_keys_agree();
}

Test(agent_call_change, a_peer_that_forgot_the_call_ends_it)
{
	start(CONFIG_ANSWER);
	place();
	call_end(only_call(b), 500, "forgotten");
	ask(a, API_CALL_HOLD);
	cr_assert_eq(failed_with(a), 481);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call_change, no_answer_and_the_call_goes_on)
{
	start(CONFIG_ANSWER);
	place();
	host_kill(b);
	ask(a, API_CALL_HOLD);
	cr_assert_geq(failed_with(a), 408);
	cr_assert(established(a));
	cr_assert_str_eq(hold_of(a), "none");
	cr_assert_str_eq(direction_of(a), "sendrecv");
	hang_up(a);
	UNTIL(clean(a));
}

Test(agent_call_change, a_bye_meanwhile)
{
	start(CONFIG_ANSWER);
	place();
	begin_into_glare(API_CALL_REKEY);
	call_hang_up(only_call(b), "Hung up");
	cr_assert_eq(failed_with(a), 487);
	UNTIL(clean(a) && clean(b));
	place();
	begin_into_glare(API_CALL_REKEY);
	call_hang_up(only_call(a), "Hung up");
	cr_assert_eq(failed_with(a), 487);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call_change, hung_up_at_any_moment)
{
	unsigned i;

	start(CONFIG_ANSWER);
	for (i = 0; i < 24; i++) {
		place();
		begin(a, i & 1 ? API_CALL_REKEY : API_CALL_HOLD);
		world_run_ms(i / 4);
		if (only_call(i & 2 ? a : b))
			call_hang_up(only_call(i & 2 ? a : b), "Hung up");
		UNTIL(a->answered && clean(a) && clean(b));
	}
}

Test(agent_call_change, after_a_restart_of_either)
{
	start(CONFIG_ANSWER);
	place();
	ask(a, API_CALL_HOLD);
	restart(a);
	UNTIL(logged_in(a, "alice") && only_call(a));
	cr_assert_str_eq(hold_of(a), "local");
	cr_assert_str_eq(text(ask(a, API_CALL_RESUME), "hold"), "none");
	assert_keys_agree();
	restart(b);
	UNTIL(logged_in(b, "bob") && only_call(b));
	// a's key is as it was in the first offer; b has none to answer with
	cr_assert_str_eq(text(ask(a, API_CALL_HOLD), "hold"), "local");
	assert_keys_agree();
	cr_assert_str_eq(direction_of(b), "recvonly");
}
