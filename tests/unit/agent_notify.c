// SPDX-License-Identifier: BSD-3-Clause
// peer.notify: a notification that somebody waits for.
#include "tests/unit/agent_peers.h"

TestSuite(agent_notify, .init = world_init, .fini = world_fini, .timeout = 60);

static json_t *of(const char *endpoint, const char *peer)
{
	return json_pack("{s:s, s:s}", "endpoint", endpoint, "peer", peer);
}

static json_t *alice_and(const char *peer)
{
	return of("sip:alice@example.org", peer);
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static int status_of(const json_t *error)
{
	return json_integer_value(json_object_get(json_object_get(error, "data"), "status"));
}

static struct host *alice(void)
{
	struct host *a = host_new(0, NAMES("alice"), CONFIG_ASK);

	UNTIL(logged_in(a, "alice"));
	return a;
}

static struct host *alice_with_a_silent_bob(struct evconnlistener **silent)
{
	world_user("alice");
	*silent = silent_start(world_user("bob"));
	return alice();
}

static void check_is(struct host *a, const char *answer, int response, const char *status)
{
	cr_assert(a->result, "%s", text(a->error, "message"));
	cr_assert_str_eq(text(a->result, "endpoint"), "sip:alice@example.org");
	cr_assert_str_eq(text(a->result, "answer"), answer);
	cr_assert_eq(json_integer_value(json_object_get(a->result, "response")), response);
	cr_assert_str_eq(text(a->result, "status"), status);
	cr_assert_gt(json_number_value(json_object_get(a->result, "took_ms")), 0);
	cr_assert_gt(strlen(text(a->result, "reason")), 0);
}

Test(agent_notify, a_peer_that_answers)
{
	struct host *a, *b;

	world_user("alice");
	world_user("bob");
	a = alice();
	b = host_new(1, NAMES("bob"), CONFIG_ASK);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
	host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	check_is(a, "accepted", 200, "online");
	cr_assert(json_is_true(json_object_get(a->result, "confirmed")));
	// A refresh, which it has forgotten: it answers 412, then takes the whole state
	cr_assert(peer_of(a, "alice", "bob")->published_etag);
	peer_gone(peer_of(b, "bob", "alice"), "test");
	host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	check_is(a, "accepted", 200, "online");
	cr_assert(peer_is(b, "bob", "alice", PEER_ONLINE, true));
}

static void bob_goes(void)
{
	peer_gone(peer_of(&w.hosts[0], "alice", "bob"), "the test says so");
}

Test(agent_notify, a_peer_that_refuses)
{
	static const struct {
		int response;
		const char *status;
	} cases[] = {{403, "unreachable"}, {500, "unreachable"}, {405, "online"}, {480, "offline"}};
	struct host *a;
	struct peer *bob;

	world_user("alice");
	phone_start(world_user("bob"), 403);
	a = alice();
	bob = peer_of(a, "alice", "bob");
	UNTIL(!bob->queued && !bob->publishing);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		phone.status = cases[i].response;
		peer_unreachable(bob, "the test says so");
		host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
		check_is(a, "refused", cases[i].response, cases[i].status);
	}
	// It says that it goes before it answers
	peer_told(bob, w.users[1].contact, w.users[1].fingerprint, 60);
	phone.status = 200;
	phone.asked = bob_goes;
	host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	cr_assert_eq(status_of(a->error), 480);
	phone_stop();
}

Test(agent_notify, a_peer_that_is_silent)
{
	struct evconnlistener *silent;
	struct host *a = alice_with_a_silent_bob(&silent);
	uint64_t began = agent_now_us();

	// One is under way; it is the next that is asked for
	UNTIL(peer_of(a, "alice", "bob")->publishing);
	host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	check_is(a, "none", 0, "unreachable");
	cr_assert_gt(agent_now_us() - began, 1600000);
	cr_assert_gt(json_number_value(json_object_get(a->result, "took_ms")), 900);
	evconnlistener_free(silent);
	// Now nobody takes the connection
	host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	check_is(a, "none", 0, "unreachable");
}

Test(agent_notify, what_cannot_be_asked)
{
	static const struct {
		const char *endpoint, *peer;
		int code, status;
	} cases[] = {
		{"sip:nobody@example.org", "sip:bob@example.org", RPC_NOT_FOUND, 0},
		{"sip:alice@example.org", "bob", RPC_INVALID_PARAMS, 0},
		{"sip:alice@example.org", "sip:nobody@example.org", RPC_REFUSED, 403},
		{"sip:alice@example.org", "sip:carol@example.org", RPC_REFUSED, 403},
		{"sip:alice@example.org", "sip:alice@example.org", RPC_REFUSED, 403},
		{"sip:alice@example.org", "sip:bob@example.org", RPC_REFUSED, 480},
		{"sip:dave@example.org", "sip:bob@example.org", RPC_REFUSED, 480},
	};
	struct host *a;

	world_user("alice");
	world_user("bob");
	world_user("carol");
	w.forbidden[0][2] = true;
	a = host_new(0, NAMES("alice", "dave"), CONFIG_ASK); // the server does not know dave
	UNTIL(logged_in(a, "alice") && endpoint_of(a, "dave")->state == ENDPOINT_REFUSED);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host_call(a, API_PEER_NOTIFY, of(cases[i].endpoint, cases[i].peer));
		cr_assert(a->error, "%u: granted", i);
		cr_assert_eq(json_integer_value(json_object_get(a->error, "code")), cases[i].code,
			"%u: %s", i, text(a->error, "message"));
		cr_assert_eq(status_of(a->error), cases[i].status, "%u: %s", i,
			text(a->error, "message"));
	}
}

Test(agent_notify, twice_at_once)
{
	struct evconnlistener *silent;
	struct host *a = alice_with_a_silent_bob(&silent);
	struct host first = {0};

	rpc_client_call(
		a->api, API_PEER_NOTIFY, alice_and("sip:bob@example.org"), host_result, &first);
	host_call(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	cr_assert_eq(status_of(a->error), 491);
	UNTIL(first.answered);
	cr_assert_str_eq(text(first.result, "answer"), "none");
	json_decref(first.result);
	evconnlistener_free(silent);
}

// What goes while an answer is waited for, and what is told then
Test(agent_notify, whatever_goes_meanwhile)
{
	struct evconnlistener *silent;
	struct host *a = alice_with_a_silent_bob(&silent);
	struct peer *bob = peer_of(a, "alice", "bob");

	for (unsigned i = 0; i < 3; i++) {
		UNTIL(!bob->queued && !bob->publishing);
		host_ask(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
		UNTIL(bob->publishing && bob->check_sent_us);
		if (i == 0) {
			rpc_client_free(a->api); // who asked
			a->api = rpc_client_new(w.base, a->config.socket, NULL, host_event, a);
			UNTIL(rpc_client_connected(a->api) && !bob->check);
			cr_assert(!a->result);
		} else if (i == 1) {
			peer_gone(bob, "the test says so");
			UNTIL(a->answered);
			check_is(a, "none", 0, "offline");
			peer_told(bob, w.users[1].contact, w.users[1].fingerprint, 60);
		} else {
			login_end(endpoint_of(a, "alice"));
			UNTIL(a->answered);
			cr_assert_eq(status_of(a->error), 480);
		}
	}
	evconnlistener_free(silent);
}

Test(agent_notify, the_agent_goes_meanwhile)
{
	struct evconnlistener *silent;
	struct host *a = alice_with_a_silent_bob(&silent);

	host_ask(a, API_PEER_NOTIFY, alice_and("sip:bob@example.org"));
	UNTIL(peer_of(a, "alice", "bob")->check);
	agent_free(a->agent);
	a->agent = NULL;
	UNTIL(a->answered);
	cr_assert(!a->result && !a->error, "the connection was lost");
	rpc_client_free(a->api);
	a->api = NULL;
	evconnlistener_free(silent);
}
