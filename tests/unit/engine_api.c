// SPDX-License-Identifier: BSD-3-Clause
// The engine's API over its socket, on a real engine: every kind of bad request names its field and
// changes nothing; sessions come and go without a trace.
#include "tests/unit/engine_rig.h"

#include <errno.h>
#include <malloc.h>
#include <sys/socket.h>

#include "engine/api.h"
#include "engine/api_params.h"
#include "engine/api_server.h"
#include "engine/base/rpc.h"
#include "engine/base/rpc_socket.h"
#include "engine/base/version.h"

#define KEY_28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define KEY_30 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY_44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

#define GOOD                                                                                       \
	"{'wire':{'local':'10.0.0.1:20000','remote':'10.0.0.2:20002'},"                            \
	"'host':{'local':'192.168.50.1:30000','remote':'192.168.50.2:40000'},"                     \
	"'suite':'AEAD_AES_128_GCM','tx_key':'" KEY_28 "','rx_key':'" KEY_28 "','tag':'t1'}"

static struct rig rig;
static struct api_server *api;
static char path[64];
static int fd;

static void setup(void)
{
	rig_start(&rig);
	snprintf(path, sizeof(path), "/tmp/crowfly-api-%d", getpid());
	api = api_server_new(rig.base, rig.engine, path);
	cr_assert_not_null(api, "%s", strerror(errno));
	fd = rpc_socket_connect(path, SOCK_NONBLOCK);
	cr_assert_geq(fd, 0);
}

static void teardown(void)
{
	close(fd);
	api_server_free(api);
	rig_stop(&rig);
	cr_expect_neq(access(path, F_OK), 0);
}

TestSuite(engine_api, .init = setup, .fini = teardown);

// JSON with ' for "
static json_t *parse(const char *text)
{
	char copy[8192];
	json_error_t error;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *value = json_loads(copy, JSON_DECODE_ANY, &error);
	cr_assert_not_null(value, "%s: %s", text, error.text);
	return value;
}

static void put(int socket_fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(socket_fd, data, size, MSG_NOSIGNAL);

		cr_assert(n > 0 || errno == EAGAIN);
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
}

// The next line from the engine.
static json_t *get(void)
{
	for (int i = 0; i < 5000; i++) {
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
		json_t *object = rpc_read_blocking(fd);
		if (object)
			return object;
		cr_assert_eq(errno, EAGAIN);
		if (i > 20)
			usleep(500);
	}
	cr_assert_fail("no answer");
	return NULL;
}

// Calls a method; the whole answer. Steals params.
static json_t *ask(const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
		method, "params", params);
	char *text = json_dumps(request, JSON_COMPACT);

	put(fd, text, strlen(text));
	put(fd, "\n", 1);
	free(text);
	json_decref(request);
	return get();
}

// The result of a call that must succeed.
static json_t *must(const char *method, const char *params)
{
	json_t *answer = ask(method, parse(params));
	json_t *result = json_incref(json_object_get(answer, "result"));
	char *text = json_dumps(answer, 0);

	cr_assert_not_null(result, "%s %s: %s", method, params, text);
	cr_expect_null(strstr(text, "AAECAwQ"), "a key was told: %s", text);
	free(text);
	json_decref(answer);
	return result;
}

static json_int_t number(json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

static json_int_t add(const char *params)
{
	json_t *result = must(API_SESSION_ADD, params);
	json_int_t id = number(result, "id");

	cr_assert_gt(id, 0);
	json_decref(result);
	return id;
}

static size_t memory_used(void)
{
	struct engine_stats stats;

	engine_stats_get(rig.engine, &stats);
	return stats.memory_used;
}

static void expect_error(json_t *answer, const char *what, const char *field, const char *text)
{
	json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *named =
		json_string_value(json_object_get(json_object_get(error, "data"), "field"));

	cr_assert_not_null(message, "%s was taken", what);
	cr_expect_str_eq(named ? named : "", field, "%s: %s", what, message);
	cr_expect(strstr(message, field) && strstr(message, text), "%s: %s", what, message);
	cr_expect_null(strstr(message, "AAECAwQ"), "a key was told: %s", message);
	json_decref(answer);
}

// Sets the member at "a.b" of an object; NULL removes it. Steals value.
static void set(json_t *object, const char *member, json_t *value)
{
	char name[64];
	const char *dot = strchr(member, '.');

	if (dot) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - member), member);
		object = json_object_get(object, name);
		member = dot + 1;
	}
	if (value)
		json_object_set_new(object, member, value);
	else
		json_object_del(object, member);
}

struct bad {
	const char *member, *value; // of GOOD; value NULL: taken out
	const char *field, *text;
};

Test(engine_api, bad_additions_change_nothing)
{
#define ADDRESS_EXPECTED "expected an address and a port"
	static const struct bad cases[] = {
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
		{"tx-key", "'" KEY_28 "'", "tx-key", "unknown field 'tx-key'"},
	};
	json_int_t id = add(GOOD);
	size_t before = memory_used();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *params = parse(GOOD);
		char what[128];

		// All but the wrong field would be taken
		set(params, "wire.remote", json_string("10.0.0.2:20004"));
		set(params, "host.local", json_string("192.168.50.1:30002"));
		set(params, cases[i].member, cases[i].value ? parse(cases[i].value) : NULL);
		snprintf(what, sizeof(what), "%s = %s", cases[i].member,
			cases[i].value ? cases[i].value : "(none)");
		expect_error(ask(API_SESSION_ADD, params), what, cases[i].field, cases[i].text);
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

Test(engine_api, a_session_from_end_to_end)
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

Test(engine_api, list_page_by_page)
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

Test(engine_api, ten_thousand_sessions_leave_memory_where_it_was)
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

Test(engine_api, client_gone_in_the_middle)
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

Test(engine_api, totals_ports_info)
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

Test(engine_api, events)
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
