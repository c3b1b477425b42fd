// SPDX-License-Identifier: BSD-3-Clause
// Distributions over sessions: what is counted, when, and where it falls.
#include "engine/quality.h"

#include <criterion/criterion.h>

#include <rte_cycles.h>

#include "engine/core.h"

static struct engine engine;
static struct stream_state state;
static struct stream stream = {.state = &state};
static struct session session = {.rx = &stream};

static void fresh(void)
{
	quality_init(&engine.quality);
	engine.seconds = 100;
	engine.shared.tsc_hz = 1000;
	quality_begin(&engine, &session);
	state.reception.clock_hz = 8000;
}

TestSuite(quality, .init = fresh);

static uint64_t total(const struct metrics_histogram *histogram)
{
	uint64_t n = 0;

	for (unsigned i = 0; i <= METRICS_BUCKETS; i++)
		n += histogram->counts[i];
	return n;
}

static void after(unsigned seconds, uint64_t packets, int64_t lost)
{
	engine.seconds += seconds;
	state.packets += packets;
	state.reception.lost_before += lost;
	quality_scan(&engine, &session);
}

Test(quality, once_in_ten_seconds)
{
	struct quality *q = &engine.quality;

	after(QUALITY_SECONDS - 1, 100, 0);
	cr_expect_eq(total(&q->loss), 0, "too early");
	after(1, 0, 0);
	cr_expect_eq(total(&q->loss), 1);
	after(0, 100, 0);
	cr_expect_eq(total(&q->loss), 1, "again in the same second");
	after(QUALITY_SECONDS, 0, 0);
	cr_expect_eq(total(&q->loss), 2);
	after(QUALITY_SECONDS, 0, 0);
	cr_expect_eq(total(&q->loss), 2, "nothing came");
	cr_expect_eq(total(&q->jitter), 2);
	cr_expect_eq(total(&q->duration), 0);
}

Test(quality, loss_is_of_the_interval)
{
	struct quality *q = &engine.quality;

	after(QUALITY_SECONDS, 990, 10);
	cr_expect_eq(q->loss.counts[6], 1, "10 of 1,000 are up to 0.01");
	cr_expect_float_eq(q->loss.sum, 0.01, 1e-9);
	after(QUALITY_SECONDS, 1000, 0);
	cr_expect_eq(q->loss.counts[0], 1, "nothing more");
	after(QUALITY_SECONDS, 1000, -5);
	cr_expect_eq(q->loss.counts[0], 2, "duplicates are no loss");
	after(QUALITY_SECONDS, 1, 999);
	cr_expect_eq(q->loss.counts[METRICS_BUCKETS - 1], 1);
	cr_expect_eq(total(&q->loss), 4);
}

Test(quality, jitter)
{
	state.reception.jitter = 16 * 80; // 10 ms at 8 kHz
	after(QUALITY_SECONDS, 1, 0);
	cr_expect_eq(engine.quality.jitter.counts[6], 1);
	cr_expect_float_eq(engine.quality.jitter.sum, 0.01, 1e-9);
}

Test(quality, counters_may_wrap)
{
	session.sampled_packets = state.packets = UINT32_MAX;
	session.sampled_lost = UINT32_MAX;
	state.reception.lost_before = UINT32_MAX;
	after(QUALITY_SECONDS, 99, 1);
	cr_expect_float_eq(engine.quality.loss.sum, 0.01, 1e-9);
}

Test(quality, end)
{
	struct quality *q = &engine.quality;

	session.added_tsc = rte_rdtsc() - 45 * engine.shared.tsc_hz;
	engine.shared.tsc_hz = 1;
	state.packets = 3;
	quality_end(&engine, &session);
	cr_expect_eq(total(&q->jitter), 1, "a short session is counted, too");
	cr_expect_eq(total(&q->loss), 1);
	cr_expect_eq(total(&q->duration), 1);
	cr_expect_geq(q->duration.sum, 45);
}
