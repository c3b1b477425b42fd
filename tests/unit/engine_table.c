// SPDX-License-Identifier: BSD-3-Clause
// The API's lists: filters, pages, streams, keys, next hops; sessions that drain.
#include "tests/unit/engine_media.h"

#include "tests/unit/engine_api.h"

TestSuite(engine_table, .init = setup, .fini = teardown);

// Adds session `i` of many: its peer is 10.0.0.(2 + i % 3), its suite the i-th of two.
static json_int_t add_nth(unsigned i)
{
	json_t *params = parse(GOOD);
	char text[64];

	snprintf(text, sizeof(text), "10.0.0.1:%u", 1024 + i);
	set(params, "wire.local", json_string(text));
	snprintf(text, sizeof(text), "10.0.0.%u:%u", 2 + i % 3, 5000 + i);
	set(params, "wire.remote", json_string(text));
	snprintf(text, sizeof(text), "192.168.50.1:%u", 1024 + 2 * i);
	set(params, "host.local", json_string(text));
	if (i % 2 == 1) {
		set(params, "suite", json_string("AES_CM_128_HMAC_SHA1_80"));
		set(params, "tx_key", json_string(KEY_30));
		set(params, "rx_key", json_string(KEY_30));
	}
	set(params, "direction", json_string(i % 4 == 3 ? "sendonly" : "sendrecv"));
	json_t *answer = ask(API_SESSION_ADD, params);
	json_int_t id = number(json_object_get(answer, "result"), "id");
	json_decref(answer);
	return id;
}

static size_t rows(const char *method, const char *params, const char *field)
{
	json_t *result = must(method, params);
	size_t n = json_array_size(json_object_get(result, field));

	json_decref(result);
	return n;
}

Test(engine_table, filters)
{
	static const struct {
		const char *params;
		unsigned sessions; // of 12
	} cases[] = {
		{"{}", 12},
		{"{'remote':'10.0.0.2'}", 4},
		{"{'remote':'10.0.0.2:5003'}", 1},
		{"{'remote':'10.0.0.2:5004'}", 0},
		{"{'remote':'192.168.50.2'}", 12},
		{"{'remote':'192.168.50.2:40000'}", 12},
		{"{'remote':'2001:db8::2'}", 0},
		{"{'suite':'AES_CM_128_HMAC_SHA1_80'}", 6},
		{"{'suite':'AEAD_AES_128_GCM','remote':'10.0.0.3'}", 2},
		{"{'direction':'sendonly'}", 3},
		{"{'direction':'inactive'}", 0},
		{"{'worker':0}", 0},
		{"{'idle_s':1}", 0},
		{"{'dropped':true}", 0},
		{"{'dropped':false}", 12},
		{"{'draining':true}", 1},
		{"{'limit':5}", 5},
		{"{'limit':5,'direction':'sendonly'}", 3},
	};
	json_int_t id = 0;
	char params[64];

	for (unsigned i = 0; i < 12; i++)
		id = add_nth(i);
	snprintf(params, sizeof(params), "{'id':%lld,'idle_s':60}", (long long)id);
	json_decref(must(API_SESSION_DRAIN, params));
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		cr_expect_eq(rows(API_SESSION_LIST, cases[i].params, "sessions"), cases[i].sessions,
			"%s", cases[i].params);
		if (strstr(cases[i].params, "limit"))
			continue;
		json_t *count = must(API_SESSION_COUNT, cases[i].params);
		cr_expect_eq(number(count, "matched"), cases[i].sessions, "%s", cases[i].params);
		cr_expect_eq(number(count, "sessions"), 12);
		json_decref(count);
	}
}

Test(engine_table, bad_requests)
{
	static const struct {
		const char *method, *params, *field, *text;
	} cases[] = {
		{API_SESSION_LIST, "{'remote':'x'}", "remote",
			"an address, with or without a port"},
		{API_SESSION_LIST, "{'remote':'10.0.0.0/8'}", "remote", "an address"},
		{API_SESSION_LIST, "{'suite':'AES'}", "suite", "AES_CM_128_HMAC_SHA1_32"},
		{API_SESSION_LIST, "{'direction':'up'}", "direction", "sendrecv, sendonly"},
		{API_SESSION_LIST, "{'worker':1}", "worker", "0 to 0"},
		{API_SESSION_LIST, "{'idle_s':-1}", "idle_s", "an integer"},
		{API_SESSION_LIST, "{'dropped':1}", "dropped", "true or false"},
		{API_SESSION_COUNT, "{'drops':1}", "drops", "known: after, limit, remote"},
		{API_STREAM_LIST, "{'session':77}", "session", "no session 77"},
		{API_KEY_LIST, "{'limit':0}", "limit", "from 1 to 1000"},
		{API_KEY_LIST, "{'id':0}", "id", "after, limit, session"},
		{API_ROUTE_LIST, "{'session':1}", "session", "after, limit"},
		{API_SESSION_DRAIN, "{'id':5}", "id", "no session 5"},
		{API_SESSION_DRAIN, "{'id':1,'idle_s':0}", "idle_s", "from 1 to 86400"},
	};

	add(GOOD);
	for (size_t i = 0; i < RTE_DIM(cases); i++)
		expect_error(ask(cases[i].method, parse(cases[i].params)), cases[i].params,
			cases[i].field, cases[i].text);
}

Test(engine_table, goes_on_behind_a_session_that_has_gone)
{
	json_int_t after = 0;
	unsigned seen = 0;

	for (unsigned i = 0; i < 20; i++)
		add_nth(i);
	for (unsigned pages = 0; pages < 10; pages++) {
		char params[64];

		snprintf(params, sizeof(params), "{'after':%lld,'limit':4}", (long long)after);
		json_t *page = must(API_SESSION_LIST, params);
		json_t *next = json_object_get(page, "next");
		seen += (unsigned)json_array_size(json_object_get(page, "sessions"));
		after = json_integer_value(next);
		json_decref(page);
		if (after == 0)
			break;
		session_remove(rig.engine, (uint32_t)after); // where the next page begins
	}
	cr_expect_eq(seen, 20);
	cr_expect_eq(session_count(rig.engine), 16);
}

Test(engine_table, streams_keys_and_routes)
{
	struct context *far, *near;
	json_t *list, *row;

	rig_add(&rig);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	near = rig_context(&rig.params, CONTEXT_UNPROTECT);
	cr_expect_eq(rows(API_STREAM_LIST, "{}", "streams"), 0);
	from_wire(&rig, far, 65530, 10, false);
	from_host(&rig, near, 100, 3, false);
	list = must(API_STREAM_LIST, "{'session':1}");
	cr_assert_eq(json_array_size(json_object_get(list, "streams")), 2);
	row = json_array_get(json_object_get(list, "streams"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(row, "direction")), "rx");
	cr_expect_eq(number(row, "ssrc"), 0xabcdef01);
	cr_expect_eq(number(row, "roc"), 1);
	cr_expect_eq(number(row, "sequence"), 3);
	cr_expect_eq(number(row, "packets"), 10);
	cr_expect_eq(number(row, "lost"), 0);
	cr_expect_eq(number(row, "worker"), 0);
	row = json_array_get(json_object_get(list, "streams"), 1);
	cr_expect_str_eq(json_string_value(json_object_get(row, "direction")), "tx");
	cr_expect_eq(number(row, "sequence"), 102);
	cr_expect_eq(number(row, "packets"), 3);
	json_decref(list);
	cr_expect_eq(rows(API_SESSION_LIST, "{'worker':0}", "sessions"), 1);

	list = must(API_ROUTE_LIST, "{}");
	cr_assert_eq(json_array_size(json_object_get(list, "routes")), 2);
	row = json_array_get(json_object_get(list, "routes"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(row, "port")), "wire");
	cr_expect_str_eq(json_string_value(json_object_get(row, "next_hop")), "10.0.0.2");
	cr_expect_str_eq(json_string_value(json_object_get(row, "mac")), "02:00:00:00:00:11");
	cr_expect_str_eq(json_string_value(json_object_get(row, "state")), "reachable");
	json_decref(list);
	list = must(API_ROUTE_LIST, "{'limit':1}");
	char params[64];
	snprintf(params, sizeof(params), "{'after':%lld}", (long long)number(list, "next"));
	cr_expect_eq(rows(API_ROUTE_LIST, params, "routes"), 1);
	json_decref(list);
	cr_expect_eq(rows(API_ROUTE_LIST, "{'after':4294967295}", "routes"), 0);
	context_free(far);
	context_free(near);
}

static char *fingerprint(json_int_t session, unsigned row)
{
	char params[64];

	snprintf(params, sizeof(params), "{'session':%lld}", (long long)session);
	json_t *list = must(API_KEY_LIST, params);
	json_t *key = json_array_get(json_object_get(list, "keys"), row);
	char *text = strdup(json_string_value(json_object_get(key, "fingerprint")));

	cr_expect_eq(strlen(text), 8);
	cr_expect_eq(number(key, "packets_left"), 1ll << 48);
	json_decref(list);
	return text;
}

Test(engine_table, equal_keys_have_equal_fingerprints)
{
	json_int_t a = add_nth(0), b = add_nth(2), c = add_nth(1);
	char *of_a = fingerprint(a, 0), *of_a_tx = fingerprint(a, 1), *of_b = fingerprint(b, 0),
	     *of_c = fingerprint(c, 0);

	cr_expect_str_eq(of_a, of_b);
	cr_expect_str_eq(of_a, of_a_tx);
	cr_expect_str_neq(of_a, of_c);
	char params[256];
	snprintf(params, sizeof(params),
		"{'id':%lld,'suite':'AEAD_AES_128_GCM','tx_key':'" KEY_28
		"','rx_key':'BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=='}",
		(long long)a);
	json_decref(must(API_SESSION_UPDATE, params));
	char *changed = fingerprint(a, 0), *kept = fingerprint(a, 1);
	cr_expect_str_neq(changed, of_a);
	cr_expect_str_eq(kept, of_a);
	free(changed);
	free(kept);
	free(of_a);
	free(of_a_tx);
	free(of_b);
	free(of_c);
}

Test(engine_table, a_draining_session_goes_when_it_is_silent)
{
	struct context *far;

	rig_add(&rig);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	json_decref(must(API_SESSION_DRAIN, "{'id':1,'idle_s':2}"));
	for (uint16_t i = 0; i < 50; i++) { // 2.5 s with packets
		from_wire(&rig, far, (uint16_t)(i + 1), 1, false);
		usleep(50000);
	}
	cr_assert_eq(session_count(rig.engine), 1);
	json_t *session = must(API_SESSION_STATS, "{'id':1}");
	cr_expect_str_eq(json_string_value(json_object_get(session, "state")), "draining");
	cr_expect_eq(number(session, "drain_idle_s"), 2);
	json_decref(session);
	uint64_t began = rte_rdtsc();
	for (int i = 0; i < 20000 && session_count(rig.engine) > 0; i++)
		rig_pump(&rig);
	cr_assert_eq(session_count(rig.engine), 0);
	cr_expect_geq(rte_rdtsc() - began, rte_get_tsc_hz(), "not before its time is over");
	context_free(far);
}
