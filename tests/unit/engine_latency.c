// SPDX-License-Identifier: BSD-3-Clause
// The latency that workers measure, and the jitter of all streams, by the API.
#include "tests/unit/engine_media.h"

#include "tests/unit/engine_api.h"

#include "engine/jitter.h"

TestSuite(latency, .init = setup, .fini = teardown);
TestSuite(jitter, .init = setup, .fini = teardown);

static double real(json_t *object, const char *field)
{
	return json_number_value(json_object_get(object, field));
}

// The row of all workers for a side: a new reference.
static json_t *all_workers(const char *out)
{
	json_t *result = must(API_LATENCY_GET, "{}"), *row, *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(result, "latencies"), i, row)
		if (json_is_null(json_object_get(row, "worker")) &&
			strcmp(json_string_value(json_object_get(row, "out")), out) == 0)
			found = json_incref(row);
	json_decref(result);
	cr_assert_not_null(found);
	return found;
}

static json_int_t measured(const char *out)
{
	json_t *row = all_workers(out);
	json_int_t n = number(row, "packets");

	json_decref(row);
	return n;
}

Test(latency, of_each_side)
{
	struct context *far;
	json_t *row;

	rig_add(&rig);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, far, 1, 5, false);
	cr_expect_eq(measured("host"), 0, "it is off");
	json_decref(must(API_LATENCY_SET, "{'on':true}"));
	from_wire(&rig, far, 6, 7, false);
	cr_expect_eq(measured("host"), 7);
	cr_expect_eq(measured("wire"), 0);
	row = all_workers("host");
	cr_expect_gt(real(row, "p50_us"), 0);
	cr_expect_leq(real(row, "p50_us"), real(row, "p90_us"));
	cr_expect_leq(real(row, "p99_us"), real(row, "p99_9_us"));
	cr_expect_leq(real(row, "p99_99_us"), real(row, "max_us"));
	cr_expect_lt(real(row, "max_us"), 10e6);
	json_decref(row);
	row = all_workers("wire");
	cr_expect(json_is_null(json_object_get(row, "p50_us")));
	json_decref(row);

	json_decref(must(API_LATENCY_SET, "{'on':false}"));
	from_wire(&rig, far, 20, 3, false);
	cr_expect_eq(measured("host"), 7, "what was measured stays");
	json_decref(must(API_LATENCY_SET, "{'on':true}"));
	from_wire(&rig, far, 30, 3, false);
	cr_expect_eq(measured("host"), 10);
	json_decref(must(API_LATENCY_CLEAR, "{}"));
	cr_expect_eq(measured("host"), 0);
	from_wire(&rig, far, 40, 2, false);
	cr_expect_eq(measured("host"), 2, "it goes on after it was cleared");
	context_free(far);
}

Test(latency, bad_parameters)
{
	expect_error(ask(API_LATENCY_SET, parse("{}")), "nothing", "on", "");
	expect_error(ask(API_LATENCY_SET, parse("{'on':1}")), "1", "on", "");
	expect_error(ask(API_LATENCY_SET, parse("{'on':true,'x':1}")), "x", "x", "");
	expect_error(ask(API_LATENCY_GET, parse("{'x':1}")), "x", "x", "");
	expect_error(ask(API_LATENCY_CLEAR, parse("{'x':1}")), "x", "x", "");
	expect_error(ask(API_JITTER_GET, parse("{'worst':101}")), "101", "worst", "100");
	json_decref(must(API_LATENCY_CLEAR, "{}")); // never on: nothing to forget
}

// The answer comes from ticks of the control thread.
static json_t *jitter(const char *params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
		API_JITTER_GET, "params", parse(params));
	char *text = json_dumps(request, JSON_COMPACT);
	json_t *answer, *result;

	put(fd, text, strlen(text));
	put(fd, "\n", 1);
	free(text);
	json_decref(request);
	answer = get();
	result = json_incref(json_object_get(answer, "result"));
	cr_assert_not_null(result);
	json_decref(answer);
	return result;
}

// Adds `n` sessions with streams from the wire whose jitter is 1 ms, 2 ms, ...
static void add_jittery(unsigned n)
{
	struct session_params p = rig.params;
	struct session_error error = {0};
	uint32_t id;

	for (unsigned i = 1; i <= n; i++) {
		struct session *session;
		struct reception *r;

		p.wire_local.port = (uint16_t)(10000 + 2 * i);
		p.host_local.port = (uint16_t)(10000 + 2 * i);
		cr_assert_eq(session_add(rig.engine, &p, &id, &error), 0, "%s", error.text);
		session = session_table_find(&rig.engine->sessions, id);
		r = &session->rx->state->reception;
		r->clock_hz = 8000;
		r->received = 2;
		r->ssrc = i;
		r->jitter = i * 8 * 16;
	}
}

Test(jitter, distribution_and_worst)
{
	json_t *result, *wire, *worst;

	add_jittery(2500); // more than a tick looks at
	result = jitter("{'worst':3}");
	wire = json_object_get(result, "wire");
	cr_expect_eq(number(wire, "streams"), 2500);
	cr_expect_float_eq(real(wire, "p50_us"), 1250e3, 1250e3 / 100);
	cr_expect_float_eq(real(wire, "p99_us"), 2475e3, 2475e3 / 100);
	cr_expect_float_eq(real(wire, "max_us"), 2500e3, 1);
	cr_expect_eq(number(json_object_get(result, "host"), "streams"), 0);
	cr_expect(json_is_null(json_object_get(json_object_get(result, "host"), "p50_us")));
	worst = json_object_get(result, "worst");
	cr_assert_eq(json_array_size(worst), 3);
	for (unsigned i = 0; i < 3; i++) {
		json_t *stream = json_array_get(worst, i);

		cr_expect_eq(number(stream, "ssrc"), 2500 - i);
		cr_expect_str_eq(json_string_value(json_object_get(stream, "from")), "wire");
		cr_expect_float_eq(real(stream, "jitter_us"), (2500 - i) * 1e3, 1);
	}
	json_decref(result);
	result = jitter("{'worst':0}");
	cr_expect_eq(json_array_size(json_object_get(result, "worst")), 0);
	json_decref(result);
	result = jitter("{}");
	cr_expect_eq(json_array_size(json_object_get(result, "worst")), 10);
	json_decref(result);
}

static unsigned done;

static void count_done(void *arg, const struct jitter_scan *scan)
{
	(void)arg;
	(void)scan;
	done++;
}

Test(jitter, few_at_a_time)
{
	for (unsigned i = 0; i < JITTER_SCANS_MAX; i++)
		cr_expect_eq(jitter_begin(rig.engine, 1, count_done, NULL), 0);
	cr_expect_eq(jitter_begin(rig.engine, 1, count_done, NULL), -EBUSY);
	jitter_tick(rig.engine);
	cr_expect_eq(done, 1);
	cr_expect_eq(jitter_begin(rig.engine, 1, count_done, NULL), 0);
	jitter_fini(rig.engine);
	cr_expect_eq(done, JITTER_SCANS_MAX + 1);
}

// The client goes while its scan is under way, and the engine ends while another one is.
Test(jitter, nobody_waits)
{
	const char *request =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"jitter.get\",\"params\":{}}\n";

	add_jittery(2500);
	put(fd, request, strlen(request));
	for (int i = 0; i < 100 && !rig.engine->jitter; i++)
		event_base_loop(rig.base, EVLOOP_ONCE);
	cr_assert_not_null(rig.engine->jitter);
	close(fd);
	for (int i = 0; i < 100; i++)
		rig_pump(&rig);
	cr_expect_null(rig.engine->jitter);
	fd = rpc_socket_connect(path, SOCK_NONBLOCK);
	put(fd, request, strlen(request));
	for (int i = 0; i < 100 && !rig.engine->jitter; i++)
		event_base_loop(rig.base, EVLOOP_ONCE);
	cr_assert_not_null(rig.engine->jitter);
}
