// SPDX-License-Identifier: BSD-3-Clause
// The engine's API and what is wrong: each is refused with its field, and changes nothing.
#include "tests/unit/engine_api.h"

TestSuite(engine_api, .init = setup, .fini = teardown);

struct bad {
	const char *member, *value; // of GOOD; value NULL: taken out
	const char *field, *text;
};

#define ADDRESS_EXPECTED "expected an address and a port"
static const struct bad bad_additions[] = {
	{"wire", NULL, "wire", "missing"},
	{"wire", "[]", "wire", "expected an object"},
	{"wire.local", NULL, "wire.local", "missing"},
	{"wire.remote", NULL, "wire.remote", "missing"},
	{"wire.extra", "1", "wire.extra", "known: local, remote"},
	{"wire.local", "7", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "''", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:0'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:65536'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:99999999999999999999'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:020'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:+20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:20 '", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.1:-1'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.256:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'localhost:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'2001:db8::1:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'[2001:db8::1]'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'[2001:db8::1]20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'[2001:db8::g]:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'[10.0.0.1]:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'[::ffff:10.0.0.1]:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'[fe80::1%eth0]:20'", "wire.local", ADDRESS_EXPECTED},
	{"wire.local", "'10.0.0.9:20000'", "wire.local", "not an address of the wire port"},
	{"wire.local", "'192.168.50.1:20000'", "wire.local", "not an address of the wire"},
	{"wire.remote", "'[2001:db8::2]:20002'", "wire.remote", "same IP version"},
	{"wire.remote", "'224.0.0.1:20002'", "wire.remote", "unicast"},
	{"wire.remote", "'0.0.0.0:20002'", "wire.remote", "unicast"},
	{"wire.remote", "'10.0.0.1:20002'", "wire.remote", "the engine itself"},
	{"host", NULL, "host", "missing"},
	{"host.local", "null", "host.local", ADDRESS_EXPECTED},
	{"host.local", "'10.0.0.1:30000'", "host.local", "not an address of the host port"},
	{"host.local", "'192.168.50.1:65535'", "host.local", "RTCP"},
	{"host.remote", "'192.168.50.2:65535'", "host.remote", "RTCP"},
	{"host.remote", "{}", "host.remote", ADDRESS_EXPECTED},
	{"suite", NULL, "suite", "missing"},
	{"suite", "5", "suite", "expected a string"},
	{"suite", "'AES'", "suite", "AES_CM_128_HMAC_SHA1_32"},
	{"suite", "'aead_aes_128_gcm'", "suite", "AEAD_AES_128_GCM, AEAD_AES_256_GCM"},
	{"suite", "'AES_CM_128_HMAC_SHA1_80'", "tx_key", "40 base64 characters (30 bytes"},
	{"suite", "'AEAD_AES_256_GCM'", "tx_key", "60 base64 characters (44 bytes"},
	{"tx_key", NULL, "tx_key", "missing, 40 base64 characters (28 bytes"},
	{"tx_key", "1", "tx_key", "expected 40"},
	{"tx_key", "''", "tx_key", "expected 40"},
	{"tx_key", "'" KEY_30 "'", "tx_key", "expected 40 base64 characters (28 bytes"},
	{"tx_key", "'" KEY_44 "'", "tx_key", "for AEAD_AES_128_GCM"},
	{"tx_key", "'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw='", "tx_key", "expected 40"},
	{"tx_key", "'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx=='", "tx_key", "expected 40"},
	{"tx_key", "'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBka-w=='", "tx_key", "expected 40"},
	{"rx_key", "'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGB aGw=='", "rx_key", "expected 40"},
	{"rx_key", "'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBka===='", "rx_key", "expected 40"},
	{"rx_key", NULL, "rx_key", "missing"},
	{"tag", "1", "tag", "expected a string"},
	{"window", "0", "window", "a multiple of 64 from 64 to 1024"},
	{"window", "65", "window", "a multiple of 64"},
	{"window", "1088", "window", "a multiple of 64"},
	{"window", "'128'", "window", "an integer"},
	{"window", "-64", "window", "an integer"},
	{"media_timeout_ms", "-1", "media_timeout_ms", "an integer from 0"},
	{"media_timeout_ms", "86400001", "media_timeout_ms", "to 86400000"},
	{"media_timeout_ms", "1.5", "media_timeout_ms", "an integer"},
	{"direction", "'both'", "direction", "sendrecv, sendonly, recvonly or inactive"},
	{"direction", "3", "direction", "expected a string"},
	{"id", "7", "id", "unknown field 'id'"},
	{KEY_28, "7", "...", "unknown field '...'"},
	{"tx-key", "'" KEY_28 "'", "tx-key", "unknown field 'tx-key'"},
};

Test(engine_api, bad_additions_change_nothing)
{
	json_int_t id = add(GOOD);
	size_t before = memory_used();

	for (size_t i = 0; i < sizeof(bad_additions) / sizeof(bad_additions[0]); i++) {
		json_t *params = parse(GOOD);
		char what[128];

		// All but the wrong field would be taken
		set(params, "wire.remote", json_string("10.0.0.2:20004"));
		set(params, "host.local", json_string("192.168.50.1:30002"));
		set(params, bad_additions[i].member,
			bad_additions[i].value ? parse(bad_additions[i].value) : NULL);
		snprintf(what, sizeof(what), "%s = %s", bad_additions[i].member,
			bad_additions[i].value ? bad_additions[i].value : "(none)");
		expect_error(ask(API_SESSION_ADD, params), what, bad_additions[i].field,
			bad_additions[i].text);
		cr_assert_eq(session_count(rig.engine), 1, "%s", what);
		cr_assert_eq(memory_used(), before, "%s", what);
	}
	// Exactly this one would have been taken
	json_t *params = parse(GOOD);
	set(params, "wire.remote", json_string("10.0.0.2:20004"));
	set(params, "host.local", json_string("192.168.50.1:30002"));
	json_t *answer = ask(API_SESSION_ADD, params);
	cr_expect_gt(number(json_object_get(answer, "result"), "id"), id);
	json_decref(answer);
}

Test(engine_api, addresses_in_use)
{
	static const struct {
		const char *wire_remote, *host_local, *field;
	} cases[] = {
		{"10.0.0.2:20002", "192.168.50.1:31000", "wire.local"},
		{"10.0.0.2:20004", "192.168.50.1:30000", "host.local"},
		{"10.0.0.2:20004", "192.168.50.1:30001", "host.local"}, // RTCP of the first
		{"10.0.0.2:20004", "192.168.50.1:29999", "host.local"}, // its RTCP
	};

	add(GOOD);
	size_t before = memory_used();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *params = parse(GOOD);

		set(params, "wire.remote", json_string(cases[i].wire_remote));
		set(params, "host.local", json_string(cases[i].host_local));
		json_t *answer = ask(API_SESSION_ADD, params);
		cr_expect_eq(number(json_object_get(answer, "error"), "code"), RPC_IN_USE);
		expect_error(answer, cases[i].host_local, cases[i].field, "");
		cr_expect_eq(session_count(rig.engine), 1);
		cr_expect_eq(memory_used(), before);
	}
}

Test(engine_api, bad_requests_of_other_methods)
{
	static const struct {
		const char *method, *params, *field, *text;
	} cases[] = {
		{API_SESSION_REMOVE, "{}", "id", "missing"},
		{API_SESSION_REMOVE, "{'id':'1'}", "id", "an integer"},
		{API_SESSION_REMOVE, "{'id':-1}", "id", "an integer"},
		{API_SESSION_REMOVE, "{'id':4294967296}", "id", "an integer"},
		{API_SESSION_REMOVE, "{'id':1.0}", "id", "an integer"},
		{API_SESSION_REMOVE, "{'id':0}", "id", "no session 0"},
		{API_SESSION_REMOVE, "{'id':4000000000}", "id", "no session 4000000000"},
		{API_SESSION_REMOVE, "{'id':1,'all':true}", "all", "unknown field"},
		{API_SESSION_STATS, "{'id':99}", "id", "no session 99"},
		{API_SESSION_STATS, "{}", "id", "missing"},
		{API_SESSION_LIST, "{'after':-1}", "after", "an integer"},
		{API_SESSION_LIST, "{'limit':0}", "limit", "from 1 to 1000"},
		{API_SESSION_LIST, "{'limit':1001}", "limit", "an integer"},
		{API_SESSION_LIST, "{'limits':1}", "limits", "after, limit"},
		{API_STATS, "{'x':1}", "x", "known: none"},
		{API_PORT_LIST, "{'x':1}", "x", "unknown"},
		{API_INFO, "{'x':1}", "x", "unknown"},
		{API_EVENTS, "{'x':1}", "x", "unknown"},
		{"session.ad", "{}", "method", "unknown method 'session.ad'"},
	};

	add(GOOD);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *answer = ask(cases[i].method, parse(cases[i].params));
		const char *message = json_string_value(
			json_object_get(json_object_get(answer, "error"), "message"));

		cr_assert_not_null(message, "%s %s", cases[i].method, cases[i].params);
		cr_expect(strstr(message, cases[i].text), "%s", message);
		cr_expect_str_eq(json_string_value(json_object_get(
					 json_object_get(json_object_get(answer, "error"), "data"),
					 "field")),
			cases[i].field);
		json_decref(answer);
		cr_expect_eq(session_count(rig.engine), 1);
	}
}

// What session.stats shows, but for what runs by itself.
static char *lasting(json_int_t id)
{
	char params[32];

	snprintf(params, sizeof(params), "{'id':%lld}", (long long)id);
	json_t *session = must(API_SESSION_STATS, params);
	set(session, "age_ms", NULL);
	set(session, "rx.idle_ms", NULL);
	set(session, "tx.idle_ms", NULL);
	char *text = json_dumps(session, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(session);
	return text;
}

Test(engine_api, bad_updates_change_nothing)
{
	static const struct {
		const char *params, *field, *text;
	} cases[] = {
		{"{}", "", "nothing to change"},
		{"{'wire':{}}", "wire.remote", "missing"},
		{"{'wire':{'local':'10.0.0.1:1','remote':'10.0.0.2:20002'}}", "wire.local",
			"known: remote"},
		{"{'wire':{'remote':'10.0.0.2'}}", "wire.remote", "an address"},
		{"{'wire':{'remote':'[2001:db8::2]:5'}}", "wire.remote", "same IP version"},
		{"{'wire':{'remote':'10.0.0.2:7'},'host':{'remote':'10.0.0.2'}}", "host.remote",
			"an address"},
		{"{'wire':{'remote':'10.0.0.2:7'},'host':{'remote':'224.1.1.1:2'}}", "host.remote",
			"unicast"},
		{"{'suite':'AEAD_AES_128_GCM'}", "tx_key", "missing"},
		{"{'tx_key':'" KEY_28 "','rx_key':'" KEY_28 "'}", "suite", "missing"},
		{"{'suite':'AEAD_AES_128_GCM','tx_key':'" KEY_28 "'}", "rx_key", "missing"},
		{"{'suite':'AES_CM_128_HMAC_SHA1_80','tx_key':'" KEY_30 "','rx_key':'" KEY_28 "'}",
			"rx_key", "40 base64"},
		{"{'tag':'new','direction':'no'}", "direction", "sendrecv"},
		{"{'tag':'new','media_timeout_ms':-1}", "media_timeout_ms", "an integer"},
		{"{'tag':'new','window':64}", "window", "unknown field"},
		{"{'tag':null}", "tag", "a string"},
	};
	json_int_t id = add(GOOD);
	char *before = lasting(id);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *params = parse(cases[i].params);

		json_object_set_new(params, "id", json_integer(id));
		expect_error(ask(API_SESSION_UPDATE, params), cases[i].params, cases[i].field,
			cases[i].text);
		char *after = lasting(id);
		cr_expect_str_eq(after, before, "%s", cases[i].params);
		free(after);
	}
	free(before);
	expect_error(ask(API_SESSION_UPDATE, parse("{'id':77,'tag':'x'}")), "no such session", "id",
		"no session 77");
}
