// SPDX-License-Identifier: BSD-3-Clause
// Calls between two agents: granted, declined, silent, cancelled, lost, hung up, taken up again.
#include "tests/unit/agent_pair.h"

TestSuite(agent_call, .init = world_init, .fini = world_fini, .timeout = 60);

Test(agent_call, granted_programs_both_engines_alike)
{
	json_t *mine, *theirs, *call;

	start(CONFIG_ANSWER);
	call = host_call(a, API_CALL_PLACE, parties());
	cr_assert(a->result);
	mine = engine_session(&a->engine);
	theirs = engine_session(&b->engine);
	cr_assert_str_eq(text(mine, "suite"), "AEAD_AES_128_GCM");
	cr_assert_str_eq(text(mine, "suite"), text(theirs, "suite"));
	cr_assert_str_eq(text(mine, "tx_key"), text(theirs, "rx_key"));
	cr_assert_str_eq(text(mine, "rx_key"), text(theirs, "tx_key"));
	cr_assert_str_neq(text(mine, "rx_key"), text(mine, "tx_key"));
	cr_assert_str_eq(
		session_text(mine, "wire", "local"), session_text(theirs, "wire", "remote"));
	cr_assert_str_eq(
		session_text(mine, "wire", "remote"), session_text(theirs, "wire", "local"));
	cr_assert_str_eq(session_text(mine, "host", "local"), text(call, "send_to"));
	cr_assert_str_eq(session_text(mine, "host", "remote"), text(call, "receive_at"));
	cr_assert_str_eq(text(mine, "direction"), "sendrecv");
	cr_assert_null(strstr(text(mine, "tag"), text(mine, "tx_key")), "no key in a tag");
	cr_assert_null(strstr(text(mine, "tag"), "eyJ"), "no token in a tag");
	cr_assert_str_eq(text(call, "state"), "established");
	cr_assert_str_eq(text(call, "direction"), "out");
	cr_assert_gt(json_real_value(json_object_get(call, "setup_ms")), 0);
	cr_assert_str_eq(json_string_value(json_array_get(json_object_get(call, "payloads"), 0)),
		"PCMU/8000");
	UNTIL(established(b));
	hang_up(a);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(a->engine.adds, 1);
	cr_assert_eq(b->engine.removes, 1);
}

Test(agent_call, either_side_hangs_up)
{
	start(CONFIG_ANSWER);
	place();
	hang_up(b);
	UNTIL(clean(a) && clean(b));
	UNTIL(a->last_event && !strcmp(text(a->last_event, "state"), "ended"));
	cr_assert_str_eq(text(a->last_event, "reason"), "Hung up by the peer");
	cr_assert(json_object_get(a->last_event, "statistics"));
	place();
	hang_up(a);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call, declined_and_busy_leave_nothing)
{
	start(CONFIG_DECLINE);
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 603);
	STAILQ_FIRST(&b->config.endpoints)->answer = CONFIG_BUSY;
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 486);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(a->engine.adds + b->engine.adds, 0);
}

Test(agent_call, answered_or_declined_by_hand)
{
	json_t *list, *call;

	start(CONFIG_ASK);
	host_ask(a, API_CALL_PLACE, parties());
	UNTIL(ringing(a) && ringing(b));
	cr_assert_eq(a->engine.adds + b->engine.adds, 0, "nothing before the response");
	list = json_object_get(host_call(b, API_CALL_LIST, json_object()), "calls");
	call = json_array_get(list, 0);
	cr_assert_str_eq(text(call, "from"), "sip:alice@example.org");
	cr_assert_str_eq(text(call, "direction"), "in");
	host_call(b, API_CALL_ANSWER, json_pack("{s:s}", "call", only_call(b)->id));
	cr_assert(b->result);
	UNTIL(a->answered);
	cr_assert(a->result);
	UNTIL(established(a) && established(b));
	host_call(b, API_CALL_DECLINE, json_pack("{s:s}", "call", only_call(b)->id));
	cr_assert(b->error, "it does not ring any more");
	hang_up(b);
	UNTIL(clean(a) && clean(b));
	host_ask(a, API_CALL_PLACE, parties());
	UNTIL(ringing(b));
	host_call(b, API_CALL_DECLINE,
		json_pack("{s:s, s:i}", "call", only_call(b)->id, "status", 486));
	cr_assert_eq(failed_with(a), 486);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call, no_answer_in_time)
{
	start(CONFIG_ASK);
	a->config.answer_timeout_s = 1;
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 408);
	UNTIL(clean(a) && clean(b));
	a->config.answer_timeout_s = 60;
	b->config.answer_timeout_s = 1;
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 480);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(a->engine.adds + b->engine.adds, 0);
}

Test(agent_call, the_caller_cancels)
{
	start(CONFIG_ASK);
	host_ask(a, API_CALL_PLACE, parties());
	UNTIL(ringing(a) && ringing(b));
	call_hang_up(only_call(a), "Hung up");
	cr_assert_eq(failed_with(a), 487);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(a->engine.adds + b->engine.adds, 0);
}

Test(agent_call, cancelled_too_late_is_acknowledged_and_ended)
{
	struct call *call;

	start(CONFIG_ANSWER);
	host_ask(a, API_CALL_PLACE, parties());
	while (!(call = only_call(a)))
		event_base_loop(w.base, EVLOOP_ONCE);
	call_hang_up(call, "Hung up"); // before any response
	cr_assert_eq(failed_with(a), 487);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(a->engine.adds, 0);
	cr_assert_eq(b->engine.removes, b->engine.adds);
}

Test(agent_call, callee_killed_while_ringing)
{
	start(CONFIG_ASK);
	host_ask(a, API_CALL_PLACE, parties());
	UNTIL(ringing(a) && ringing(b));
	host_kill(b);
	cr_assert_eq(failed_with(a), 480);
	UNTIL(clean(a));
	cr_assert_eq(a->engine.adds, 0);
	cr_assert(peer_is(a, "alice", "bob", PEER_UNREACHABLE, false));
}

Test(agent_call, caller_killed_while_ringing)
{
	start(CONFIG_ASK);
	host_ask(a, API_CALL_PLACE, parties());
	UNTIL(ringing(b));
	host_kill(a);
	UNTIL(clean(b));
	cr_assert_eq(b->engine.adds, 0);
}

Test(agent_call, an_engine_that_refuses)
{
	start(CONFIG_ANSWER);
	b->engine.refuse = true;
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 500);
	UNTIL(clean(a) && clean(b));
	b->engine.refuse = false;
	a->engine.refuse = true;
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 500);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(b->engine.adds, 2);
	cr_assert_eq(b->engine.removes, 1);
}

Test(agent_call, no_engine_no_call)
{
	start(CONFIG_ANSWER);
	engine_stop(&b->engine);
	UNTIL(!dataplane_is_ready(b->agent));
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 503);
	engine_stop(&a->engine);
	UNTIL(!dataplane_is_ready(a->agent));
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 503);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call, refused_before_anything_is_sent)
{
	start(CONFIG_ANSWER);
	host_ask(a, API_CALL_PLACE,
		json_pack("{s:s, s:s}", "from", "sip:alice@example.org", "to",
			"sip:mallory@example.org"));
	cr_assert_eq(failed_with(a), 403);
	host_call(a, API_CALL_PLACE, json_pack("{s:s}", "from", "sip:alice@example.org"));
	cr_assert_eq(json_integer_value(json_object_get(a->error, "code")), RPC_INVALID_PARAMS);
	host_call(a, API_CALL_PLACE,
		json_pack("{s:s, s:i}", "from", "sip:alice@example.org", "to", 7));
	cr_assert_eq(json_integer_value(json_object_get(a->error, "code")), RPC_INVALID_PARAMS);
	host_call(a, API_CALL_HANG_UP, json_pack("{s:s}", "call", "c99"));
	cr_assert_eq(json_integer_value(json_object_get(a->error, "code")), RPC_NOT_FOUND);
	peer_gone(peer_of(a, "alice", "bob"), "test");
	host_ask(a, API_CALL_PLACE, parties());
	cr_assert_eq(failed_with(a), 480);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call, forty_calls_and_no_port_is_left_behind)
{
	int i;

	start(CONFIG_ANSWER);
	for (i = 0; i < 40; i++) {
		host_call(a, API_CALL_PLACE, parties());
		cr_assert(a->result);
	}
	cr_assert_eq(engine_count(&a->engine), 40);
	cr_assert_eq(media_ports_in_use(a->agent->ports), 120);
	hang_up(i % 2 ? a : b);
	UNTIL(clean(a) && clean(b));
	cr_assert_eq(transaction_count(a->agent->transactions), 0);
	cr_assert_eq(transaction_count(b->agent->transactions), 0);
}

Test(agent_call, a_restarted_agent_hangs_up_and_is_hung_up)
{
	char id[24];

	start(CONFIG_ANSWER);
	place();
	snprintf(id, sizeof(id), "%s", only_call(a)->id);
	restart(a);
	cr_assert_str_eq(only_call(a)->id, id);
	cr_assert_eq(media_ports_in_use(a->agent->ports), 3);
	restart(b);
	restart(a);
	hang_up(a);
	UNTIL(clean(a) && clean(b));
	UNTIL(logged_in(a, "alice") && logged_in(b, "bob"));
	UNTIL(peer_of(a, "alice", "bob")->confirmed);
	place();
	restart(b);
	hang_up(a);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call, taken_up_and_known_to_the_peer_goes_on)
{
	start(CONFIG_ANSWER);
	place();
	restart(a);
	world_run_ms(2600); // the peer was asked meanwhile
	cr_assert(established(a) && established(b));
	cr_assert_not(only_call(a)->checking);
}

Test(agent_call, taken_up_but_forgotten_by_the_peer_is_removed)
{
	start(CONFIG_ANSWER);
	place();
	host_kill(a);
	hang_up(b);
	UNTIL(clean(b));
	host_start(a);
	UNTIL(clean(a));
	cr_assert_eq(a->engine.removes, 1);
}

Test(agent_call, hung_up_although_the_peer_is_dead)
{
	start(CONFIG_ANSWER);
	place();
	host_kill(a);
	hang_up(b);
	UNTIL(clean(b));
}

Test(agent_call, sessions_of_others_are_left_alone)
{
	start(CONFIG_ANSWER);
	a->engine.sessions[7] = json_pack("{s:i, s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "id", 500,
		"tag", "{\"crowfly_agent\": \"somebody else\"}", "wire", "local", "10.0.0.1:20000",
		"remote", "10.0.0.9:20000", "host", "local", "192.168.50.1:20000", "remote",
		"192.168.50.2:10000");
	host_kill(a);
	host_start(a);
	UNTIL(media_ports_in_use(a->agent->ports) == 3);
	UNTIL(logged_in(a, "alice"));
	place();
	hang_up(a);
	UNTIL(engine_count(&a->engine) == 1);
	json_decref(a->engine.sessions[7]);
	a->engine.sessions[7] = NULL;
}

Test(agent_call, an_engine_that_comes_back_empty_ends_the_call)
{
	int i;

	start(CONFIG_ANSWER);
	place();
	engine_stop(&a->engine);
	UNTIL(!dataplane_is_ready(a->agent));
	world_run_ms(50);
	cr_assert(established(a) && established(b), "without its engine it waits");
	for (i = 0; i < SESSIONS_MAX; i++) {
		json_decref(a->engine.sessions[i]);
		a->engine.sessions[i] = NULL;
	}
	engine_start(&a->engine);
	UNTIL(clean(a) && clean(b));
}

Test(agent_call, an_engine_that_comes_back_with_the_session_keeps_the_call)
{
	start(CONFIG_ANSWER);
	place();
	engine_stop(&a->engine);
	UNTIL(!dataplane_is_ready(a->agent));
	engine_start(&a->engine);
	UNTIL(dataplane_is_ready(a->agent));
	world_run_ms(100);
	cr_assert(established(a) && established(b));
	hang_up(b);
	UNTIL(clean(a) && clean(b));
}

static void tell(struct host *host, const char *event)
{
	json_t *session = engine_session(&host->engine);

	rpc_notify_all(host->engine.server, event,
		json_pack("{s:O, s:O, s:i, s:s}", "id", json_object_get(session, "id"), "tag",
			json_object_get(session, "tag"), "idle_ms", 5000, "direction", "tx"));
}

Test(agent_call, events_of_the_engine)
{
	start(CONFIG_ANSWER);
	place();
	tell(a, API_EVENT_MEDIA_TIMEOUT);
	world_run_ms(50);
	cr_assert(established(a), "not asked to hang up");
	a->config.hang_up_on_timeout = true;
	tell(a, API_EVENT_MEDIA_TIMEOUT);
	UNTIL(clean(a) && clean(b));
	place();
	tell(b, API_EVENT_KEY_EXHAUSTED);
	UNTIL(clean(a) && clean(b));
	place();
	rpc_notify_all(a->engine.server, API_EVENT_KEY_EXHAUSTED,
		json_pack("{s:i, s:s}", "id", 12345, "tag", "not ours {"));
	rpc_notify_all(a->engine.server, "nonsense", json_object());
	world_run_ms(50);
	cr_assert(established(a));
}
