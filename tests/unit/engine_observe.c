// SPDX-License-Identifier: BSD-3-Clause
// What the engine tells of its workers, their stages and drops: the figures, and by the API.
#include "tests/unit/engine_media.h"

#include "tests/unit/engine_api.h"

#include "engine/observe.h"

// ---- figures, of workers that do not run

static struct worker workers[2];
static struct worker_shared shared = {.workers = workers, .n_workers = 2, .tsc_hz = 1000000};

static struct observe *observe_fresh(void)
{
	struct observe *o;

	workers[1].index = 1;
	o = observe_new(&shared);
	cr_assert_not_null(o);
	return o;
}

Test(observe, drops_since_cleared)
{
	struct observe *o = observe_fresh();
	struct observe_drop drop;

	workers[0].counters.drops[DROP_MTU] = 3;
	workers[1].counters.drops[DROP_MTU] = 4;
	observe_drop_get(o, DROP_MTU, &drop);
	cr_expect_eq(drop.packets, 7);
	cr_expect_gt(drop.per_s, 0);
	observe_drops_clear(o);
	observe_drop_get(o, DROP_MTU, &drop);
	cr_expect_eq(drop.packets, 0);
	cr_expect_gt(drop.per_s, 0, "a rate does not fall because somebody cleared the count");
	workers[1].counters.drops[DROP_MTU]++;
	observe_drop_get(o, DROP_MTU, &drop);
	cr_expect_eq(drop.packets, 1);
	cr_expect_eq(workers[1].counters.drops[DROP_MTU], 5, "the worker's own counter");
	observe_free(o);
}

Test(observe, recent_is_since_the_oldest_sample)
{
	struct observe *o = observe_fresh();
	struct observe_drop drop;
	struct observe_stage stage;

	workers[0].counters.drops[DROP_MTU] = 5;
	workers[0].stages[STAGE_parse] = (struct stage_counters){64, 2, 640};
	for (int i = 0; i <= OBSERVE_SECONDS; i++) {
		observe_drop_get(o, DROP_MTU, &drop);
		cr_expect_gt(drop.per_s, 0, "%d samples", i);
		observe_sample(o);
	}
	observe_drop_get(o, DROP_MTU, &drop);
	cr_expect_eq(drop.per_s, 0, "it is no longer recent");
	workers[1].stages[STAGE_parse] = (struct stage_counters){8, 1, 800};
	observe_stage_get(o, STAGE_parse, &stage);
	cr_expect_eq(stage.total.packets, 72);
	cr_expect_eq(stage.total.batches, 3);
	cr_expect_eq(stage.total.cycles, 1440);
	cr_expect_eq(stage.recent.packets, 8);
	cr_expect_eq(stage.recent.cycles, 800);
	observe_free(o);
}

Test(observe, worker)
{
	struct observe *o = observe_fresh();
	struct observe_worker w;

	observe_worker_get(o, 1, &w);
	cr_expect_eq(w.state, OBSERVE_STOPPED);
	cr_expect_lt(w.packets_per_batch, 0, "nothing came");
	cr_expect_lt(w.cycles_per_packet, 0);
	workers[1].running = true;
	observe_sample(o);
	observe_worker_get(o, 1, &w);
	cr_expect_eq(w.state, OBSERVE_STUCK);
	workers[1].counters.iterations = 9;
	observe_worker_get(o, 1, &w);
	cr_expect_eq(w.state, OBSERVE_POLLING);
	workers[1].counters.sleeps = 1;
	workers[1].counters.rx[SIDE_WIRE] = 60;
	workers[1].counters.rx[SIDE_HOST] = 4;
	workers[1].batches = 4;
	workers[1].stages[STAGE_rx] = (struct stage_counters){32, 1, 320};
	workers[1].stages[STAGE_parse] = (struct stage_counters){32, 1, 640};
	workers[1].counters.claimed = 5;
	observe_released(o, 2);
	observe_released(o, 1);
	observe_released(o, STREAM_UNOWNED);
	observe_worker_get(o, 1, &w);
	cr_expect_eq(w.state, OBSERVE_SLEEPING);
	cr_expect_eq(w.rx_packets, 64);
	cr_expect_eq(w.packets_per_batch, 16);
	cr_expect_eq(w.cycles_per_packet, 30);
	cr_expect_eq(w.streams, 4);
	cr_expect(w.busy_percent > 0 && w.busy_percent <= 100, "%g", w.busy_percent);
	workers[1].counters.generated = 64; // in mode gen it makes packets, too
	workers[1].batches = 6;
	workers[1].stages[STAGE_generate] = (struct stage_counters){32, 1, 320};
	observe_worker_get(o, 1, &w);
	cr_expect_eq(w.rx_packets, 64);
	cr_expect_float_eq(w.packets_per_batch, 128 / 6.0, 1e-9);
	cr_expect_eq(w.cycles_per_packet, 20);
	observe_free(o);
}

// ---- by the API

static json_t *row_of(json_t *rows, const char *field, const char *name)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row)
		if (strcmp(json_string_value(json_object_get(row, field)), name) == 0)
			return row;
	cr_assert_fail("no %s %s", field, name);
	return NULL;
}

// The first worker's streams, when they are so many, else what they are after two seconds.
static json_int_t streams(json_int_t wanted)
{
	json_int_t n = -1;

	for (int i = 0; i < 4000 && n != wanted; i++) {
		json_t *result = must(API_WORKER_LIST, "{}");
		json_t *worker = json_array_get(json_object_get(result, "workers"), 0);

		n = number(worker, "streams");
		json_decref(result);
		rig_pump(&rig);
	}
	return n;
}

Test(observe_api, workers_and_stages, .init = setup, .fini = teardown)
{
	struct context *far;
	json_t *result, *worker, *stage;

	rig_add(&rig);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, far, 1, 40, false);
	cr_expect_eq(streams(1), 1);
	context_free(far);
	far = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, far, 1, 3, false);
	context_free(far);
	cr_expect_eq(streams(2), 2);
	result = must(API_WORKER_LIST, "{}");
	worker = json_array_get(json_object_get(result, "workers"), 0);
	cr_expect_geq(number(worker, "rx_packets"), 43);
	cr_expect_geq(number(worker, "tx_packets"), 43);
	cr_expect_geq(json_real_value(json_object_get(worker, "packets_per_batch")), 1);
	cr_expect_gt(json_real_value(json_object_get(worker, "cycles_per_packet")), 0);
	cr_expect_eq(number(json_object_get(worker, "queues"), "wire"), 0);
	cr_expect(json_is_null(json_object_get(json_object_get(worker, "queues"), "exception")));
	json_decref(result);

	result = must(API_STAGE_LIST, "{}");
	stage = row_of(json_object_get(result, "stages"), "stage", "unprotect");
	stage = json_object_get(stage, "total");
	cr_expect_geq(number(stage, "packets"), 1, "one batch in %d is timed", STAGE_SAMPLE);
	cr_expect_gt(json_real_value(json_object_get(stage, "ns_per_packet")), 0);
	cr_expect_eq(json_array_size(json_object_get(result, "stages")), STAGE_COUNT);
	json_decref(result);

	cr_assert_eq(session_remove(rig.engine, rig.id), 0);
	cr_expect_eq(streams(0), 0, "they are given back");
}

static json_int_t wrong_sources(void)
{
	json_t *result = must(API_DROP_LIST, "{}");
	json_t *row = row_of(json_object_get(result, "drops"), "reason", "wrong_source");
	json_int_t n = number(row, "packets");

	cr_expect_str_eq(
		json_string_value(json_object_get(row, "meaning")), drop_helps[DROP_WRONG_SOURCE]);
	cr_expect_eq(json_real_value(json_object_get(row, "packets_per_s")) > 0, true);
	json_decref(result);
	return n;
}

Test(observe_api, drops, .init = setup, .fini = teardown)
{
	const struct session_addr stranger = rig_addr("10.0.0.99", 7);
	struct rig_frame frame;
	uint8_t rtp[40];

	rig_add(&rig);
	rig_rtp(rtp, 1, 1, sizeof(rtp));
	rig_udp(&frame, RIG_WIRE, &stranger, &rig.params.wire_local, rtp, sizeof(rtp));
	for (int i = 0; i < 3; i++)
		rig_send(&rig, RIG_WIRE, &frame);
	cr_expect_eq(rig_drops(&rig, DROP_WRONG_SOURCE, 3), 3);
	cr_expect_eq(wrong_sources(), 3);
	json_decref(must(API_DROP_CLEAR, "{}"));
	cr_expect_eq(wrong_sources(), 0);
	rig_send(&rig, RIG_WIRE, &frame);
	cr_expect_eq(rig_drops(&rig, DROP_WRONG_SOURCE, 4), 4, "totals are not cleared");
	cr_expect_eq(wrong_sources(), 1);
}

Test(observe_api, take_no_parameters, .init = setup, .fini = teardown)
{
	static const char *const methods[] = {
		API_WORKER_LIST, API_STAGE_LIST, API_DROP_LIST, API_DROP_CLEAR};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		expect_error(ask(methods[i], parse("{'colour':'green'}")), methods[i], "colour",
			"unknown");
}
