// SPDX-License-Identifier: BSD-3-Clause
// Real packets of SRTP that do not authenticate, and what the engine says about why.
#include "tests/unit/engine_media.h"

#include "tests/unit/engine_api.h"

#include "crypto/context.h"

#define SSRC 0xabcdef01

TestSuite(explain, .init = setup, .fini = teardown);

// A far end at an index of its choice, and what it sends.
static struct context *far_at(uint8_t key, uint32_t roc, uint16_t seq)
{
	struct session_params params = rig.params;
	struct context *far;

	memset(params.rx_key, key, sizeof(params.rx_key));
	far = rig_context(&params, CONTEXT_PROTECT);
	cr_assert_eq(context_set_index(far, SSRC, roc, (uint16_t)(seq - 1)), 0);
	return far;
}

static void send_sealed(uint8_t key, uint32_t roc, uint16_t seq, bool damage)
{
	struct context *far = far_at(key, roc, seq);
	struct rig_frame frame;
	uint8_t data[300];

	rig_rtp(data, SSRC, seq, 172);
	uint32_t length = seal(far, data, 172, sizeof(data), false);
	if (damage)
		data[100] ^= 0x10;
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, data,
		(uint16_t)length);
	rig_send(&rig, RIG_WIRE, &frame);
	context_free(far);
}

// Packets that pass, so that the engine is at rollover counter `roc`.
static void pass_at(uint32_t roc, uint16_t seq)
{
	struct context *far = far_at(0x22, roc, seq);

	from_wire(&rig, far, seq, 2, false);
	context_free(far);
}

// Takes the engine to rollover counter 1, sequence number 21.
static void to_second_round(void)
{
	pass_at(0, 20000);
	pass_at(0, 50000);
	pass_at(1, 20);
}

static json_t *drops_of(uint32_t id)
{
	char params[64];

	snprintf(params, sizeof(params), "{'id':%u}", id);
	return must(API_SESSION_DROPS, params);
}

// What is said after the nth failure: a new reference.
static json_t *explained(json_int_t n)
{
	for (int i = 0; i < 4000; i++) {
		json_t *result = drops_of(rig.id);
		json_t *failure = json_object_get(result, "auth_failure");

		if (number(failure, "sampled") >= n) {
			cr_expect_eq(number(json_object_get(result, "rx"), "auth_failed"), n);
			json_incref(failure);
			json_decref(result);
			return failure;
		}
		json_decref(result);
		rig_pump(&rig);
	}
	cr_assert_fail("nothing is said");
	return NULL;
}

static void expect_cause(json_t *failure, const char *cause, bool more, bool fewer)
{
	json_t *would = json_object_get(failure, "would_pass");

	cr_expect_str_eq(json_string_value(json_object_get(failure, "cause")), cause);
	cr_expect_eq(json_boolean_value(json_object_get(would, "roc_plus_1")), more);
	cr_expect_eq(json_boolean_value(json_object_get(would, "roc_minus_1")), fewer);
	cr_expect_eq(number(json_object_get(failure, "causes"), cause), 1);
	cr_expect_eq(number(failure, "ssrc"), SSRC);
}

static void rollover_counters(enum suite_id suite)
{
	json_t *failure, *good;

	rig.params.suite = suite;
	rig_add(&rig);
	to_second_round();

	send_sealed(0x22, 2, 22, false);
	failure = explained(1);
	expect_cause(failure, "roc_ahead", true, false);
	cr_expect_eq(number(failure, "seq"), 22);
	cr_expect_eq(number(failure, "roc"), 1);
	good = json_object_get(failure, "last_good");
	cr_expect_eq(number(good, "seq"), 21);
	cr_expect_eq(number(good, "ssrc"), SSRC);
	cr_expect_geq(json_real_value(json_object_get(good, "before_ms")), 0);
	json_decref(failure);

	send_sealed(0x22, 0, 23, false);
	failure = explained(2);
	expect_cause(failure, "roc_behind", false, true);
	json_decref(failure);

	pass_at(1, 40); // a trial changed nothing
}

Test(explain, rollover_counter_gcm)
{
	rollover_counters(SUITE_AEAD_AES_128_GCM);
}

Test(explain, rollover_counter_cm)
{
	rollover_counters(SUITE_AES_CM_128_HMAC_SHA1_80);
}

Test(explain, began_anew)
{
	json_t *failure;

	rig_add(&rig);
	to_second_round();
	pass_at(1, 20000);
	pass_at(1, 50000);
	pass_at(2, 20);
	send_sealed(0x22, 0, 30, false);
	failure = explained(1);
	expect_cause(failure, "roc_zero", false, false);
	json_decref(failure);
}

Test(explain, wrong_key)
{
	json_t *failure;

	rig_add(&rig);
	send_sealed(0x33, 0, 7, false);
	failure = explained(1);
	expect_cause(failure, "wrong_key", false, false);
	cr_expect(json_is_null(json_object_get(failure, "last_good")));
	json_decref(failure);
}

Test(explain, damaged)
{
	json_t *failure;

	rig_add(&rig);
	pass_at(0, 7);
	send_sealed(0x22, 0, 9, true);
	failure = explained(1);
	expect_cause(failure, "damaged", false, false);
	json_decref(failure);
}

static void wait_failed(void)
{
	struct engine_stats stats;

	for (int i = 0; i < 4000; i++) {
		engine_stats_get(rig.engine, &stats);
		if (stats.drops[DROP_AUTH_FAILED] > 0)
			return;
		usleep(500);
	}
	cr_assert_fail("no packet failed");
}

// The packet comes before the new key is here: it passes when it is looked at.
Test(explain, key_changed)
{
	struct session_params params = rig.params;
	struct session_error error = {0};
	json_t *failure;

	rig_add(&rig);
	send_sealed(0x44, 0, 7, false);
	wait_failed(); // while the control thread sees nothing of it
	memset(params.rx_key, 0x44, sizeof(params.rx_key));
	cr_assert_eq(session_update(rig.engine, rig.id, SESSION_KEYS, &params, &error), 0);
	failure = explained(1);
	expect_cause(failure, "key_changed", false, false);
	json_decref(failure);
}

// A flood of forgeries: a few are looked into, the rest is counted.
Test(explain, few_of_many)
{
	json_t *failure;

	rig_add(&rig);
	pass_at(0, 7);
	for (unsigned i = 0; i < 200; i++) {
		send_sealed(0x33, 0, (uint16_t)(100 + i), false);
		rig_drops(&rig, DROP_AUTH_FAILED, i + 1);
	}
	json_t *result = drops_of(rig.id);
	failure = json_object_get(result, "auth_failure");
	cr_expect_eq(number(json_object_get(result, "rx"), "auth_failed"), 200);
	cr_expect_geq(number(failure, "sampled"), 1);
	cr_expect_lt(number(failure, "sampled"), 100);
	json_decref(result);
}

Test(explain, nothing_known)
{
	json_t *result;

	rig_add(&rig);
	result = drops_of(rig.id);
	cr_expect(json_is_null(json_object_get(result, "auth_failure")));
	json_decref(result);
	expect_error(ask(API_SESSION_DROPS, parse("{'id':77}")), "77", "id", "no session");
	expect_error(ask(API_SESSION_DROPS, parse("{}")), "none", "id", "");
	expect_error(ask(API_SESSION_DROPS, parse("{'id':1,'x':1}")), "x", "x", "");
}
