// SPDX-License-Identifier: BSD-3-Clause
// Logging in and notifying: tables, credentials, the server away, peers online, unreachable,
// offline.
#include "tests/unit/agent_peers.h"

TestSuite(agent_login, .init = world_init, .fini = world_fini, .timeout = 60);

Test(agent_login, tables_arrive_with_the_login)
{
	struct host *a;
	json_t *list;

	world_user("alice");
	world_user("bob");
	world_user("carol");
	w.forbidden[0][2] = true;
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	cr_assert(peer_is(a, "alice", "bob", PEER_OFFLINE, false));
	cr_assert_null(peer_of(a, "alice", "carol"));
	list = host_call(a, API_ENDPOINT_LIST, json_object());
	list = json_array_get(json_object_get(list, "endpoints"), 0);
	cr_assert_str_eq(json_string_value(json_object_get(list, "state")), "registered");
	cr_assert_eq(json_integer_value(json_object_get(list, "peers")), 1);
	cr_assert_gt(json_real_value(json_object_get(list, "login_ms")), 0);
	cr_assert_gt(json_integer_value(json_object_get(list, "expires_in_s")), 590);
	cr_assert_eq(w.challenges, 1);
}

// What the server's administrator has changed need not wait for the next refresh
Test(agent_login, asked_to_log_in_again_gets_the_tables_anew)
{
	json_t *alice = json_pack("{s:s}", "endpoint", "sip:alice@example.org");
	struct host *a;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	cr_assert_not_null(peer_of(a, "alice", "bob"));
	w.forbidden[0][1] = true;
	host_call(a, API_ENDPOINT_LOG_IN, json_incref(alice));
	UNTIL(!peer_of(a, "alice", "bob"));
	cr_assert(logged_in(a, "alice"));
	cr_assert_eq(w.users[0].logins, 2);
	snprintf(w.users[0].password, sizeof(w.users[0].password), "another");
	host_call(a, API_ENDPOINT_LOG_IN, json_incref(alice));
	UNTIL(endpoint_of(a, "alice")->state == ENDPOINT_REFUSED);
	snprintf(w.users[0].password, sizeof(w.users[0].password), "secret of alice");
	host_call(a, API_ENDPOINT_LOG_IN, alice);
	UNTIL(logged_in(a, "alice"));
}

Test(agent_login, wrong_password_gives_no_tables)
{
	struct host *a;

	world_user("alice");
	snprintf(w.users[0].password, sizeof(w.users[0].password), "another");
	a = host_new(0, NAMES("alice", "nobody"), CONFIG_ASK);
	UNTIL(endpoint_of(a, "alice")->state == ENDPOINT_REFUSED);
	UNTIL(endpoint_of(a, "nobody")->state == ENDPOINT_REFUSED);
	cr_assert_not(endpoint_of(a, "alice")->has_tables);
	world_run_ms(100);
	cr_assert_eq(w.registers, 4, "each: once without, once with an answer");
}

Test(agent_login, refreshes_reuse_the_nonce)
{
	struct host *a;

	world_user("alice");
	w.expires_s = 4;
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	UNTIL(w.users[0].logins >= 2);
	cr_assert_eq(w.challenges, 1);
	cr_assert_eq(w.registers, 3);
}

Test(agent_login, an_expired_nonce_is_replaced)
{
	struct host *a;

	world_user("alice");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	digest_nonces_free(w.nonces);
	w.nonces = digest_nonces_new(300, 100); // another key: a server started anew
	world_server_stop();
	UNTIL(endpoint_of(a, "alice")->state == ENDPOINT_AWAY);
	cr_assert(endpoint_of(a, "alice")->has_tables, "works on from its last tables");
	cr_assert(peer_of(a, "alice", "alice") == NULL);
	world_server_start();
	UNTIL(w.users[0].logins == 2);
	UNTIL(logged_in(a, "alice"));
	cr_assert_eq(w.challenges, 2);
}

Test(agent_login, many_endpoints_over_one_connection)
{
	const char *names[WORLD_USERS + 1] = {0};
	static char text[WORLD_USERS][16];
	struct host *a;
	unsigned i;

	for (i = 0; i < WORLD_USERS; i++) {
		snprintf(text[i], sizeof(text[i]), "u%u", i);
		names[i] = text[i];
		world_user(names[i]);
	}
	a = host_new(0, names, CONFIG_ASK);
	for (i = 0; i < WORLD_USERS; i++)
		UNTIL(logged_in(a, names[i]));
	// All on one host: each pair has at least one that was told, here by a connection to itself
	for (i = 1; i < WORLD_USERS; i++)
		UNTIL(peer_is(a, names[i], "u0", PEER_ONLINE, true) ||
			peer_is(a, "u0", names[i], PEER_ONLINE, true));
}

Test(agent_login, the_newcomer_notifies_and_is_learned)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(b, "bob", "alice", PEER_ONLINE, true));
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	cr_assert_str_eq(peer_of(a, "alice", "bob")->contact, w.users[1].contact);
	cr_assert_str_eq(peer_of(a, "alice", "bob")->fingerprint, b->agent->fingerprint);
	cr_assert_eq(w.users[0].logins, 1, "alice learned it from bob alone");
	cr_assert_eq(endpoint_of(a, "alice")->online, 1);
}

Test(agent_login, logging_out_tells_server_and_peers)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	host_call(b, API_ENDPOINT_LOG_OUT, json_pack("{s:s}", "endpoint", "sip:bob@example.org"));
	UNTIL(peer_is(a, "alice", "bob", PEER_OFFLINE, false));
	UNTIL(endpoint_of(b, "bob")->state == ENDPOINT_LOGGED_OUT);
	cr_assert_eq(w.logouts, 1);
	cr_assert_null(peer_of(b, "bob", "alice"));
	cr_assert_null(endpoint_of(b, "bob")->token);
	// And alice, who never notified bob, tells him as well
	host_call(b, API_ENDPOINT_LOG_IN, json_pack("{s:s}", "endpoint", "sip:bob@example.org"));
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	host_call(a, API_ENDPOINT_LOG_OUT, json_pack("{s:s}", "endpoint", "sip:alice@example.org"));
	UNTIL(peer_is(b, "bob", "alice", PEER_OFFLINE, false));
}

static bool stopped;
static void on_stopped(struct agent *agent)
{
	(void)agent;
	stopped = true;
}

Test(agent_login, a_clean_stop_logs_out)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice") && logged_in(b, "bob"));
	UNTIL(peer_of(a, "alice", "bob")->status == PEER_ONLINE);
	agent_stop(b->agent, on_stopped);
	UNTIL(stopped);
	UNTIL(peer_is(a, "alice", "bob", PEER_OFFLINE, false));
	cr_assert_eq(w.logouts, 1);
}

Test(agent_login, a_dead_peer_is_unreachable_until_it_speaks)
{
	struct host *a, *b;
	uint64_t began;

	world_user("alice");
	world_user("bob");
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(logged_in(b, "bob"));
	host_kill(b); // the server still thinks it online
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	began = agent_now_us();
	UNTIL(peer_is(a, "alice", "bob", PEER_UNREACHABLE, false));
	cr_assert_lt(agent_now_us() - began, 3000000);
	host_start(b);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
}

Test(agent_login, a_phone_that_takes_no_notifications_is_there)
{
	static const struct {
		int status;
		bool confirmed;
	} cases[] = {{405, true}, {489, true}, {501, true}, {500, false}, {403, false}};
	struct host *a;

	world_user("alice");
	phone_start(world_user("phone"), cases[0].status);
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		phone.status = cases[i].status;
		peer_unreachable(peer_of(a, "alice", "phone"), "the test says so");
		notify_send(peer_of(a, "alice", "phone"));
		UNTIL(!peer_of(a, "alice", "phone")->queued &&
			!peer_of(a, "alice", "phone")->publishing);
		cr_assert(peer_is(a, "alice", "phone",
				  cases[i].confirmed ? PEER_ONLINE : PEER_UNREACHABLE,
				  cases[i].confirmed),
			"%d", cases[i].status);
	}
	phone_stop();
}

Test(agent_login, a_silent_peer_is_unreachable_in_time)
{
	struct evconnlistener *silent;
	struct host *a;
	uint64_t began;

	world_user("alice");
	silent = silent_start(world_user("bob"));
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, false), "so said the table");
	began = agent_now_us();
	UNTIL(peer_is(a, "alice", "bob", PEER_UNREACHABLE, false));
	cr_assert_gt(agent_now_us() - began, 800000);
	cr_assert_lt(agent_now_us() - began, 2500000);
	evconnlistener_free(silent);
}

Test(agent_login, a_notification_expires)
{
	struct host *a, *b;

	w.publish_expires_s = 2;
	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	host_kill(b);
	w.users[1].online = false;
	UNTIL(peer_is(a, "alice", "bob", PEER_OFFLINE, false));
}

Test(agent_login, publications_are_refreshed_before_they_expire)
{
	struct host *a;
	uint64_t until;

	w.publish_expires_s = 2;
	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	until = peer_of(a, "alice", "bob")->told_until_us;
	world_run_ms(3500);
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	cr_assert_gt(peer_of(a, "alice", "bob")->told_until_us, until);
	cr_assert_eq(w.users[1].logins, 1);
}

Test(agent_login, a_peer_that_forgot_us_is_told_again)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	UNTIL(peer_of(b, "bob", "alice")->published_etag);
	peer_gone(peer_of(a, "alice", "bob"), "test");
	notify_send(peer_of(b, "bob", "alice")); // a refresh: 412, then the whole state
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
}

Test(agent_login, works_on_with_the_server_away)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), CONFIG_ANSWER);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	world_server_stop();
	UNTIL(endpoint_of(a, "alice")->state == ENDPOINT_AWAY);
	host_call(a, API_CALL_PLACE,
		json_pack("{s:s, s:s}", "from", "sip:alice@example.org", "to",
			"sip:bob@example.org"));
	cr_assert(a->result, "a new call between peers that know each other");
	cr_assert_eq(engine_count(&b->engine), 1);
}

Test(agent_login, two_at_once_one_learns_at_least)
{
	struct host *a, *b;
	unsigned i;

	world_user("alice");
	world_user("bob");
	for (i = 0; i < 5; i++) {
		a = i ? &w.hosts[0] : host_new(0, NAMES("alice"), CONFIG_ASK);
		b = i ? &w.hosts[1] : host_new(1, NAMES("bob"), CONFIG_ASK);
		if (i) {
			host_start(a);
			host_start(b);
		}
		UNTIL(logged_in(a, "alice") && logged_in(b, "bob"));
		UNTIL(peer_of(a, "alice", "bob")->confirmed &&
			peer_of(b, "bob", "alice")->confirmed);
		host_kill(a);
		host_kill(b);
		w.users[0].online = w.users[1].online = false;
	}
}

Test(agent_login, logging_in_again_in_the_middle_of_logging_out)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	UNTIL(peer_of(b, "bob", "alice")->published_etag);
	login_end(endpoint_of(b, "bob"));
	world_run_ms(1);
	login_start(endpoint_of(b, "bob"));
	UNTIL(logged_in(b, "bob"));
	UNTIL(peer_is(b, "bob", "alice", PEER_ONLINE, true));
	world_run_ms(50);
	cr_assert(peer_is(a, "alice", "bob", PEER_ONLINE, true));
}
