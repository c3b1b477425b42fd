// SPDX-License-Identifier: BSD-3-Clause
// The engine's API in use: sessions from end to end, lists, totals, events; memory.
#include "tests/unit/engine_api.h"

TestSuite(engine_api_use, .init = setup, .fini = teardown);

Test(engine_api_use, a_session_from_end_to_end)
{
	json_int_t id =
		add("{'wire':{'local':'[2001:db8::1]:20000','remote':'[2001:db8:0::2]:65535'},"
		    "'host':{'local':'[fd50::1]:30000','remote':'[fd50::2]:1'},"
		    "'suite':'AES_CM_128_HMAC_SHA1_32','tx_key':'" KEY_30 "','rx_key':'" KEY_30 "',"
		    "'window':1024,'media_timeout_ms':86400000,'direction':'recvonly'}");
	char params[1024];

	snprintf(params, sizeof(params), "{'id':%lld}", (long long)id);
	json_t *session = must(API_SESSION_STATS, params);
	cr_expect(json_is_null(json_object_get(session, "tag")));
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(session, "wire"), "remote")),
		"[2001:db8::2]:65535");
	cr_expect_str_eq(
		json_string_value(json_object_get(session, "suite")), "AES_CM_128_HMAC_SHA1_32");
	cr_expect_str_eq(json_string_value(json_object_get(session, "direction")), "recvonly");
	cr_expect_eq(number(session, "window"), 1024);
	cr_expect_eq(number(session, "media_timeout_ms"), 86400000);
	cr_expect_eq(number(json_object_get(session, "rx"), "packets_left"), 1ll << 48);
	json_decref(session);

	snprintf(params, sizeof(params),
		"{'id':%lld,'wire':{'remote':'[2001:db8::3]:7'},'host':{'remote':'[fd50::3]:8'},"
		"'suite':'AEAD_AES_256_GCM','tx_key':'" KEY_44 "','rx_key':'" KEY_44 "',"
		"'tag':'moved','direction':'sendrecv','media_timeout_ms':5}",
		(long long)id);
	json_decref(must(API_SESSION_UPDATE, params));
	snprintf(params, sizeof(params), "{'id':%lld}", (long long)id);
	session = must(API_SESSION_REMOVE, params);
	cr_expect_str_eq(json_string_value(json_object_get(session, "tag")), "moved");
	cr_expect_str_eq(json_string_value(json_object_get(session, "suite")), "AEAD_AES_256_GCM");
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(session, "host"), "remote")),
		"[fd50::3]:8");
	cr_expect_eq(number(session, "id"), id);
	json_decref(session);
	cr_expect_eq(session_count(rig.engine), 0);
}

// Adds session `i` of many; false if it was refused.
static json_int_t add_nth(unsigned i)
{
	json_t *params = parse(GOOD);
	char text[64];

	snprintf(text, sizeof(text), "10.0.0.1:%u", 1024 + i);
	set(params, "wire.local", json_string(text));
	snprintf(text, sizeof(text), "192.168.50.1:%u", 1024 + 2 * i);
	set(params, "host.local", json_string(text));
	json_t *answer = ask(API_SESSION_ADD, params);
	json_int_t id = number(json_object_get(answer, "result"), "id");
	json_decref(answer);
	return id;
}

Test(engine_api_use, list_page_by_page)
{
	json_int_t ids[25], after = 0;
	unsigned seen = 0;

	for (unsigned i = 0; i < 25; i++)
		ids[i] = add_nth(i);
	for (unsigned pages = 0; pages < 9; pages++) {
		char params[64];

		snprintf(params, sizeof(params), "{'after':%lld,'limit':10}", (long long)after);
		json_t *page = must(API_SESSION_LIST, params);
		json_t *sessions = json_object_get(page, "sessions");

		for (size_t i = 0; i < json_array_size(sessions); i++)
			cr_expect_eq(number(json_array_get(sessions, i), "id"), ids[seen++]);
		bool end = json_is_null(json_object_get(page, "next"));
		after = number(page, "next");
		json_decref(page);
		if (end)
			break;
	}
	cr_expect_eq(seen, 25);
}

// Heap and resident bytes after all that was retired is gone.
static size_t settle(void)
{
	for (int i = 0; i < 200; i++)
		rig_pump(&rig);
	malloc_trim(0);
	return mallinfo2().uordblks;
}

static void add_and_remove(unsigned n)
{
	json_int_t first = add_nth(0), last = first;
	char params[64];

	for (unsigned i = 1; i < n; i++) {
		last = add_nth(i);
		cr_assert_gt(last, 0, "session %u was refused", i);
	}
	cr_assert_eq(session_count(rig.engine), n);
	for (json_int_t id = first; id <= last; id++) {
		snprintf(params, sizeof(params), "{'id':%lld}", (long long)id);
		json_decref(must(API_SESSION_REMOVE, params));
		if (id % 64 == 0)
			control_tick(rig.engine);
	}
	cr_assert_eq(session_count(rig.engine), 0);
}

Test(engine_api_use, ten_thousand_sessions_leave_memory_where_it_was)
{
	add_and_remove(2000); // the tables grow once
	size_t heap = settle(), used = memory_used();
	for (int i = 0; i < 5; i++)
		add_and_remove(2000);
	size_t now = settle();
	cr_expect_eq(memory_used(), used);
#ifndef __SANITIZE_ADDRESS__
	cr_expect_leq(now, heap + 16384, "%zu bytes more", now - heap);
#else
	(void)heap;
	(void)now;
#endif
}

Test(engine_api_use, client_gone_in_the_middle)
{
	for (int i = 0; i < 20; i++) {
		int other = rpc_socket_connect(path, SOCK_NONBLOCK);
		static const char half[] =
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.add\",\"params\":{\"wire\"";

		put(other, half, sizeof(half) - 1);
		close(other);
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
	cr_expect_eq(session_count(rig.engine), 0);
	add(GOOD); // the others are served on
}

Test(engine_api_use, totals_ports_info)
{
	add(GOOD);
	json_t *stats = must(API_STATS, "{}");
	cr_expect_eq(number(stats, "sessions"), 1);
	cr_expect_eq(number(stats, "workers"), 1);
	cr_expect(json_is_integer(json_object_get(stats, "rx_wire")));
	cr_expect_eq(json_object_size(json_object_get(stats, "drops")), (size_t)DROP_COUNT);
	cr_expect(json_is_integer(json_object_get(json_object_get(stats, "drops"), "auth_failed")));
	json_decref(stats);

	json_t *ports = must(API_PORT_LIST, "{}");
	json_t *list = json_object_get(ports, "ports");
	cr_assert_eq(json_array_size(list), 2);
	json_t *wire = json_array_get(list, 0);
	cr_expect_str_eq(json_string_value(json_object_get(wire, "role")), "wire");
	cr_expect_str_eq(json_string_value(json_object_get(wire, "device")), "net_ring_w");
	cr_expect_eq(json_array_size(json_object_get(wire, "addresses")), 2);
	json_decref(ports);

	json_t *info = must(API_INFO, "{}");
	cr_expect_eq(number(info, "pid"), getpid());
	cr_expect_str_eq(json_string_value(json_object_get(info, "version")), VERSION);
	cr_expect_str_eq(json_string_value(json_object_get(info, "crypto")), "ipsec_mb");
	cr_expect_str_eq(
		json_string_value(json_array_get(json_object_get(info, "host_addresses"), 0)),
		"192.168.50.1/24");
	cr_expect_eq(json_array_size(json_object_get(info, "suites")), (size_t)SUITE_COUNT);
	json_decref(info);
}

Test(engine_api_use, events)
{
	static const struct {
		enum session_event event;
		const char *method, *field, *value;
	} cases[] = {
		{SESSION_FIRST_PACKET_WIRE, API_EVENT_FIRST_PACKET, "from", "wire"},
		{SESSION_FIRST_PACKET_HOST, API_EVENT_FIRST_PACKET, "from", "host"},
		{SESSION_KEY_EXHAUSTED_RX, API_EVENT_KEY_EXHAUSTED, "direction", "rx"},
		{SESSION_KEY_EXHAUSTED_TX, API_EVENT_KEY_EXHAUSTED, "direction", "tx"},
		{SESSION_MEDIA_TIMEOUT, API_EVENT_MEDIA_TIMEOUT, NULL, NULL},
	};

	json_decref(must(API_EVENTS, "{}"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig.engine->on_event(rig.engine->on_event_arg, cases[i].event, 5, "t5", 1234);
		json_t *event = get(), *params = json_object_get(event, "params");

		cr_expect_str_eq(
			json_string_value(json_object_get(event, "method")), cases[i].method);
		cr_expect_eq(number(params, "id"), 5);
		cr_expect_str_eq(json_string_value(json_object_get(params, "tag")), "t5");
		if (cases[i].field)
			cr_expect_str_eq(json_string_value(json_object_get(params, cases[i].field)),
				cases[i].value);
		else
			cr_expect_eq(number(params, "idle_ms"), 1234);
		json_decref(event);
	}
	// A real one: told before the answer to the removal
	char params[32];
	snprintf(params, sizeof(params), "{'id':%lld}", (long long)add(GOOD));
	json_t *event = ask(API_SESSION_REMOVE, parse(params));
	cr_expect_str_eq(json_string_value(json_object_get(event, "method")), API_EVENT_REMOVED);
	json_decref(event);
	json_decref(get());
}

Test(engine_api_address, text_and_back)
{
	static const char *const texts[] = {"0.0.0.0:1", "255.255.255.255:65535", "10.0.0.1:20000",
		"[::]:1", "[::1]:65535", "[2001:db8::1:2:3]:4"};
	struct session_addr address;
	char out[API_PARAMS_ADDRESS_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_expect_eq(api_params_address_parse(texts[i], &address), 0, "%s", texts[i]);
		cr_expect_str_eq(api_params_address_text(&address, out), texts[i]);
	}
}
