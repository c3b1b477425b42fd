// SPDX-License-Identifier: BSD-3-Clause
// Single packets followed through a whole engine: their stages, times and ends.
#include "tests/unit/engine_media.h"

#include "tests/unit/engine_api.h"

#include "engine/trace.h"

#define SSRC 0xabcdef01

TestSuite(trace, .init = setup, .fini = teardown);

// The packets traced, once there are so many: a new reference.
static json_t *packets(size_t wanted)
{
	for (int i = 0; i < 2000; i++) {
		json_t *result = must(API_TRACE_LIST, "{}");
		json_t *list = json_incref(json_object_get(result, "packets"));

		json_decref(result);
		if (json_array_size(list) >= wanted) {
			cr_assert_eq(json_array_size(list), wanted);
			return list;
		}
		json_decref(list);
		rig_pump(&rig);
	}
	cr_assert_fail("not traced");
	return NULL;
}

static const char *text(json_t *object, const char *field)
{
	const char *value = json_string_value(json_object_get(object, field));

	return value ? value : "";
}

// The stages' names, in order.
static void expect_steps(json_t *packet, const char *const names[], size_t n)
{
	json_t *steps = json_object_get(packet, "steps"), *step;
	json_int_t last = 0;
	size_t i;

	cr_assert_eq(json_array_size(steps), n);
	json_array_foreach (steps, i, step) {
		cr_expect_str_eq(text(step, "stage"), names[i]);
		cr_expect_geq(number(step, "at_ns"), last);
		cr_expect_geq(number(step, "batch"), 1);
		last = number(step, "at_ns");
	}
}

static void arm(const char *params)
{
	json_decref(must(API_TRACE_ADD, params));
}

static void arm_session(unsigned count)
{
	char params[64];

	snprintf(params, sizeof(params), "{'session':%u,'count':%u}", rig.id, count);
	arm(params);
}

static void send_to_session(const struct session_addr *from, const void *data, uint16_t length)
{
	struct rig_frame frame;

	rig_udp(&frame, RIG_WIRE, from, &rig.params.wire_local, data, length);
	rig_send(&rig, RIG_WIRE, &frame);
}

Test(trace, a_session_in_both_directions)
{
	static const char *const in[] = {
		"parse", "lookup", "demux", "claim", "unprotect", "rewrite", "tx"};
	static const char *const out[] = {
		"parse", "lookup", "demux", "claim", "protect", "rewrite", "tx"};
	struct context *far;
	json_t *list, *p, *rtp;

	rig_add(&rig);
	arm_session(3);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, far, 100, 1, false);
	from_wire(&rig, far, 7, 1, true);
	context_free(far);
	far = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, far, 200, 2, false); // one more than is asked for
	context_free(far);

	list = packets(3);
	p = json_array_get(list, 0);
	cr_expect_str_eq(text(p, "from"), "wire");
	cr_expect_str_eq(text(p, "end"), "sent");
	cr_expect_str_eq(text(p, "out"), "host");
	cr_expect_str_eq(text(p, "from_address"), "10.0.0.2:20002");
	cr_expect_str_eq(text(p, "to_address"), "10.0.0.1:20000");
	cr_expect_eq(number(p, "session"), rig.id);
	cr_expect_eq(number(p, "bytes"), 14 + 20 + 8 + 172 + 16);
	rtp = json_object_get(p, "rtp");
	cr_expect_eq(number(rtp, "ssrc"), SSRC);
	cr_expect_eq(number(rtp, "seq"), 100);
	cr_expect_eq(number(rtp, "timestamp"), 16000);
	cr_expect_eq(number(rtp, "payload_type"), 0);
	expect_steps(p, in, 7);
	p = json_array_get(list, 1);
	cr_expect_eq(number(json_object_get(p, "rtcp"), "type"), 200);
	cr_expect_eq(number(json_object_get(p, "rtcp"), "ssrc"), SSRC);
	p = json_array_get(list, 2);
	cr_expect_str_eq(text(p, "from"), "host");
	cr_expect_str_eq(text(p, "out"), "wire");
	expect_steps(p, out, 7);
	json_decref(list);
	control_tick(rig.engine);
	cr_expect_null(rig.engine->shared.trace, "no worker looks at a trace that is full");
}

Test(trace, drops)
{
	static const char *const failed[] = {"parse", "lookup", "demux", "claim", "unprotect"};
	static const char *const stranger_steps[] = {"parse", "lookup"};
	const struct session_addr stranger = rig_addr("10.0.0.9", 5);
	uint8_t data[200] = {0};
	json_t *list, *p;

	rig_add(&rig);
	arm("{'drops':'auth_failed','count':2}");
	arm("{'drops':'any','count':10}");
	rig_rtp(data, SSRC, 1, sizeof(data));
	send_to_session(&stranger, data, sizeof(data));
	rig_drops(&rig, DROP_WRONG_SOURCE, 1);
	send_to_session(&rig.params.wire_remote, data, sizeof(data));
	rig_drops(&rig, DROP_AUTH_FAILED, 1);

	list = packets(2);
	p = json_array_get(list, 0);
	cr_expect_str_eq(text(p, "end"), "dropped");
	cr_expect_str_eq(text(p, "reason"), "wrong_source");
	cr_expect_str_eq(text(p, "meaning"), drop_helps[DROP_WRONG_SOURCE]);
	cr_expect_eq(number(p, "filter"), 1);
	cr_expect_eq(number(json_object_get(p, "rtp"), "ssrc"), SSRC);
	expect_steps(p, stranger_steps, 2);
	p = json_array_get(list, 1);
	cr_expect_str_eq(text(p, "reason"), "auth_failed");
	cr_expect_eq(number(p, "filter"), 0, "the first filter that it matches");
	expect_steps(p, failed, 5);
	json_decref(list);
}

// By SSRC, also of what belongs to no session; what goes to the control thread.
Test(trace, ssrc_and_other_ends)
{
	const struct session_addr nowhere = rig_addr("10.0.0.1", 9);
	struct rig_frame frame;
	uint8_t data[200] = {0};
	json_t *list, *p;

	rig_add(&rig);
	arm("{'ssrc':77,'count':1}");
	rig_rtp(data, 78, 1, sizeof(data));
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &nowhere, data, sizeof(data));
	rig_send(&rig, RIG_WIRE, &frame);
	rig_rtp(data, 77, 1, sizeof(data));
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &nowhere, data, sizeof(data));
	rig_send(&rig, RIG_WIRE, &frame);
	list = packets(1);
	p = json_array_get(list, 0);
	cr_expect_str_eq(text(p, "end"), "dropped");
	cr_expect_str_eq(text(p, "reason"), "no_session");
	cr_expect(json_is_null(json_object_get(p, "session")));
	cr_expect_eq(number(json_object_get(p, "rtp"), "ssrc"), 77);
	json_decref(list);
}

// A batch of good and bad packets: each has its own end.
Test(trace, each_of_a_batch)
{
	struct context *far;
	json_t *list, *p;
	size_t i, sent = 0, dropped = 0;

	rig_add(&rig);
	arm_session(40);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	for (unsigned n = 0; n < 40; n++) {
		uint8_t data[300];

		rig_rtp(data, SSRC, (uint16_t)(n + 1), 172);
		uint32_t length = seal(far, data, 172, sizeof(data), false);
		if (n % 4 == 1)
			data[50] ^= 1;
		send_to_session(&rig.params.wire_remote, data, (uint16_t)length);
	}
	context_free(far);
	list = packets(40);
	json_array_foreach (list, i, p) {
		bool bad = number(json_object_get(p, "rtp"), "seq") % 4 == 2;

		cr_expect_str_eq(text(p, "end"), bad ? "dropped" : "sent");
		sent += !bad;
		dropped += bad;
	}
	cr_expect_eq(sent, 30);
	cr_expect_eq(dropped, 10);
	json_decref(list);
}

// Other modes have other ways, each with an end of its own.
Test(trace, echo_and_sink)
{
	static const char *const echo[] = {"parse", "lookup", "demux", "claim", "unprotect", "echo",
		"lookup", "demux", "claim", "protect", "rewrite", "tx"};
	static const char *const sink[] = {
		"parse", "lookup", "demux", "claim", "unprotect", "sink"};
	struct context *far = NULL;
	struct rig_frame frame;
	json_t *list, *p;

	rig_add(&rig);
	arm_session(2);
	for (uint16_t i = 0; i < 2; i++) {
		uint8_t data[300];
		uint32_t length;

		json_decref(must(API_FWD_STOP, "{}"));
		json_decref(must(API_FWD_SET, i == 0 ? "{'mode':'echo'}" : "{'mode':'sink'}"));
		json_decref(must(API_FWD_START, "{}"));
		far = far ? far : rig_context(&rig.params, CONTEXT_PROTECT);
		rig_rtp(data, SSRC, (uint16_t)(i + 1), 172);
		length = seal(far, data, 172, sizeof(data), false);
		send_to_session(&rig.params.wire_remote, data, (uint16_t)length);
		json_decref(packets(i + 1u));
	}
	context_free(far);
	cr_expect(rig_receive(&rig, RIG_WIRE, &frame));
	list = packets(2);
	p = json_array_get(list, 0);
	cr_expect_str_eq(text(p, "end"), "sent");
	cr_expect_str_eq(text(p, "out"), "wire");
	expect_steps(p, echo, 12);
	p = json_array_get(list, 1);
	cr_expect_str_eq(text(p, "end"), "ended");
	expect_steps(p, sink, 6);
	json_decref(list);
}

Test(trace, pages_and_clear)
{
	struct context *far;
	json_t *result;

	rig_add(&rig);
	arm_session(5);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, far, 1, 5, false);
	context_free(far);
	json_decref(packets(5));
	result = must(API_TRACE_LIST, "{'limit':3}");
	cr_expect_eq(json_array_size(json_object_get(result, "packets")), 3);
	cr_expect_eq(number(result, "next"), 3);
	json_decref(result);
	result = must(API_TRACE_LIST, "{'after':3}");
	cr_expect_eq(json_array_size(json_object_get(result, "packets")), 2);
	cr_expect(json_is_null(json_object_get(result, "next")));
	cr_expect_eq(number(json_array_get(json_object_get(result, "packets"), 0), "packet"), 4);
	json_decref(result);
	json_decref(must(API_TRACE_CLEAR, "{}"));
	result = must(API_TRACE_LIST, "{}");
	cr_expect_eq(json_array_size(json_object_get(result, "packets")), 0);
	cr_expect_eq(json_array_size(json_object_get(result, "filters")), 0);
	json_decref(result);
	json_decref(must(API_TRACE_CLEAR, "{}"));
}

Test(trace, limits_and_bad_parameters)
{
	rig_add(&rig);
	expect_error(ask(API_TRACE_ADD, parse("{'count':1}")), "none", "session", "one of");
	expect_error(ask(API_TRACE_ADD, parse("{'session':1,'ssrc':2,'count':1}")), "two", "ssrc",
		"one of");
	expect_error(ask(API_TRACE_ADD, parse("{'session':99,'count':1}")), "99", "session",
		"no session");
	expect_error(ask(API_TRACE_ADD, parse("{'drops':'bad luck','count':1}")), "drops", "drops",
		"auth_failed");
	expect_error(ask(API_TRACE_ADD, parse("{'ssrc':1}")), "no count", "count", "");
	expect_error(ask(API_TRACE_ADD, parse("{'ssrc':1,'count':0}")), "0", "count", "1 to 1000");
	expect_error(ask(API_TRACE_ADD, parse("{'ssrc':1,'count':1001}")), "1001", "count", "");
	expect_error(
		ask(API_TRACE_ADD, parse("{'ssrc':4294967296,'count':1}")), "ssrc", "ssrc", "");
	expect_error(ask(API_TRACE_LIST, parse("{'limit':0}")), "0", "limit", "1 to 500");
	arm("{'ssrc':1,'count':999}");
	expect_error(ask(API_TRACE_ADD, parse("{'ssrc':1,'count':2}")), "more", "count", "1000");
	json_decref(must(API_TRACE_CLEAR, "{}"));
	for (unsigned i = 0; i < TRACE_FILTERS_MAX; i++)
		arm("{'ssrc':1,'count':1}");
	expect_error(
		ask(API_TRACE_ADD, parse("{'ssrc':1,'count':1}")), "ninth", "count", "8 filters");
}
