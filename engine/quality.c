// SPDX-License-Identifier: BSD-3-Clause
// Counts jitter and loss of each session every few seconds, by the scan that looks for events, and
// durations at the end. Control thread; the workers' counters are read while they change.
#include "engine/quality.h"

#include <rte_cycles.h>

#include "engine/core.h"

static const double jitter_bounds[METRICS_BUCKETS] = {
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
static const double loss_bounds[METRICS_BUCKETS] = {
	0, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};

void quality_init(struct quality *quality)
{
	quality->jitter.bounds = jitter_bounds;
	quality->loss.bounds = loss_bounds;
	quality->duration.bounds = metrics_durations;
}

void quality_begin(struct engine *engine, struct session *session)
{
	session->sampled_s = (uint16_t)engine->seconds;
}

// Of what came since the last look. Late packets and duplicates can make the loss negative.
static void sample(struct quality *quality, struct session *session)
{
	const struct stream_state *state = session->rx->state;
	uint32_t all = (uint32_t)counter_get(&state->packets);
	uint32_t all_lost = (uint32_t)reception_lost(&state->reception);
	uint32_t packets = all - session->sampled_packets;
	int32_t lost = (int32_t)(all_lost - session->sampled_lost);

	session->sampled_packets = all;
	session->sampled_lost = all_lost;
	if (packets == 0)
		return;
	metrics_observe(&quality->jitter, reception_jitter_us(&state->reception) / 1e6);
	if (lost < 0)
		lost = 0;
	metrics_observe(&quality->loss, lost / ((double)lost + packets));
}

void quality_scan(struct engine *engine, struct session *session)
{
	uint16_t now = (uint16_t)engine->seconds;

	if ((uint16_t)(now - session->sampled_s) < QUALITY_SECONDS)
		return;
	session->sampled_s = now;
	sample(&engine->quality, session);
}

void quality_end(struct engine *engine, struct session *session)
{
	uint64_t tsc = rte_rdtsc() - session->added_tsc;

	sample(&engine->quality, session);
	metrics_observe(&engine->quality.duration, (double)tsc / (double)engine->shared.tsc_hz);
}

void quality_write(const struct quality *quality, struct metrics *m)
{
	metrics_begin(m, "crowfly_engine_session_jitter_seconds", METRICS_HISTOGRAM,
		"Jitter (RFC 3550) of what a session received from the wire, each session every 10 s");
	metrics_histogram(m, &quality->jitter);
	metrics_begin(m, "crowfly_engine_session_loss_ratio", METRICS_HISTOGRAM,
		"Part lost of what a session should have received in 10 s, each session every 10 s");
	metrics_histogram(m, &quality->loss);
	metrics_begin(m, "crowfly_engine_session_duration_seconds", METRICS_HISTOGRAM,
		"How long sessions were there that have been removed");
	metrics_histogram(m, &quality->duration);
}
