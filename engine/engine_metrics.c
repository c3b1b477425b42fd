// SPDX-License-Identifier: BSD-3-Clause
// The engine's metrics, read while packets flow; control thread.
#include "engine/engine_metrics.h"

#include <stdio.h>
#include <string.h>

#include "crypto/context.h"
#include "engine/base/metrics.h"
#include "engine/base/version.h"
#include "engine/core.h"

static const char *const sides[2] = {[SIDE_WIRE] = "wire", [SIDE_HOST] = "host"};

// ---- of each worker

#define WORKER_LIST(X)                                                                             \
	X(protected_packets, "protected_packets", "RTP and RTCP packets made SRTP and SRTCP")      \
	X(unprotected_packets, "unprotected_packets", "SRTP and SRTCP packets made RTP and RTCP")  \
	X(to_kernel, "to_kernel_packets", "Packets given to the kernel")                           \
	X(from_kernel, "from_kernel_packets", "Packets taken from the kernel")                     \
	X(punted, "punted_packets", "STUN and DTLS packets to a session's port")                   \
	X(handed_over, "handed_over_packets", "Packets handed to the worker of their stream")      \
	X(fragments, "fragments", "IP fragments")                                                  \
	X(iterations, "loops", "Turns over all queues")                                            \
	X(busy_iterations, "busy_loops", "Turns that found packets")                               \
	X(sleeps, "sleeps", "Sleeps of an idle worker")

static void write_counters(const struct engine *engine, struct metrics *m)
{
	const struct worker *workers = engine->shared.workers;
	unsigned n = engine->shared.n_workers;

#define X(field, name, help)                                                                       \
	metrics_begin(m, "crowfly_engine_" name "_total", METRICS_COUNTER, help);                  \
	for (unsigned i = 0; i < n; i++)                                                           \
		metrics_count(m, counter_get(&workers[i].counters.field), "worker=\"%u\"", i);
	WORKER_LIST(X)
#undef X
}

static void write_sides(const struct engine *engine, struct metrics *m)
{
	const struct worker *workers = engine->shared.workers;
	unsigned n = engine->shared.n_workers;

	metrics_begin(m, "crowfly_engine_received_packets_total", METRICS_COUNTER,
		"Packets received, of all kinds");
	for (unsigned i = 0; i < 2 * n; i++)
		metrics_count(m, counter_get(&workers[i / 2].counters.rx[i % 2]),
			"worker=\"%u\",side=\"%s\"", i / 2, sides[i % 2]);
	metrics_begin(m, "crowfly_engine_sent_packets_total", METRICS_COUNTER,
		"Packets of media sent out of that side");
	for (unsigned i = 0; i < 2 * n; i++)
		metrics_count(m, counter_get(&workers[i / 2].counters.tx[i % 2]),
			"worker=\"%u\",side=\"%s\"", i / 2, sides[i % 2]);
}

static void write_drops(const struct engine *engine, struct metrics *m)
{
	metrics_begin(m, "crowfly_engine_dropped_packets_total", METRICS_COUNTER,
		"Packets not forwarded, by reason");
	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		const struct worker_counters *c = &engine->shared.workers[i].counters;

		for (unsigned reason = 0; reason < DROP_COUNT; reason++)
			metrics_count(m, counter_get(&c->drops[reason]),
				"worker=\"%u\",reason=\"%s\"", i, drop_names[reason]);
	}
}

static void write_stages(const struct engine *engine, struct metrics *m)
{
	static const char *const names[] = {
#define X(name, help) #name,
		STAGE_LIST(X)
#undef X
	};
	const struct worker *workers = engine->shared.workers;
	unsigned n = engine->shared.n_workers * STAGE_COUNT;

#define FAMILY(name, help, write, value)                                                           \
	metrics_begin(m, "crowfly_engine_stage_" name "_total", METRICS_COUNTER, help);            \
	for (unsigned i = 0; i < n; i++) {                                                         \
		const struct stage_counters *c =                                                   \
			&workers[i / STAGE_COUNT].stages[i % STAGE_COUNT];                         \
		write(m, value, "worker=\"%u\",stage=\"%s\"", i / STAGE_COUNT,                     \
			names[i % STAGE_COUNT]);                                                   \
	}
	FAMILY("packets", "Packets of the batches that were timed, one in 17", metrics_count,
		counter_get(&c->packets))
	FAMILY("batches", "Batches that were timed", metrics_count, counter_get(&c->batches))
	FAMILY("seconds", "Time spent on the batches that were timed", metrics_number,
		(double)counter_get(&c->cycles) / (double)engine->shared.tsc_hz)
#undef FAMILY
}

static void write_batches(const struct engine *engine, struct metrics *m)
{
	static const double bounds[BATCH_SIZES - 1] = {1, 2, 4, 8, 16, 32};

	metrics_begin(m, "crowfly_engine_batch_packets", METRICS_HISTOGRAM,
		"Packets that a worker received at once, one batch in 17");
	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		const struct worker *w = &engine->shared.workers[i];
		uint64_t counts[BATCH_SIZES];
		char label[24];

		for (unsigned size = 0; size < BATCH_SIZES; size++)
			counts[size] = counter_get(&w->batch_sizes[size]);
		snprintf(label, sizeof(label), "worker=\"%u\"", i);
		metrics_distribution(m, label, bounds, BATCH_SIZES - 1, counts,
			(double)counter_get(&w->stages[STAGE_rx].packets));
	}
}

// One side of a worker, of which the histogram is in cycles.
static void write_latency_of(const struct engine *engine, struct metrics *m, unsigned i, int side)
{
	static const double bounds[] = {
		1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 0.1};
	static struct histogram cycles;
	uint64_t counts[RTE_DIM(bounds) + 1] = {0};
	double hz = (double)engine->shared.tsc_hz, sum = 0;
	unsigned at = 0;
	char label[40];

	memset(&cycles, 0, sizeof(cycles));
	latency_merge(engine, i, side, &cycles);
	for (uint32_t bucket = 0; cycles.n > 0 && bucket < HISTOGRAM_BUCKETS; bucket++) {
		double s = (double)histogram_largest(bucket) / hz;

		while (at < RTE_DIM(bounds) && s > bounds[at])
			at++;
		counts[at] += cycles.counts[bucket];
		sum += s * (double)cycles.counts[bucket];
	}
	snprintf(label, sizeof(label), "worker=\"%u\",side=\"%s\"", i, sides[side]);
	metrics_distribution(m, label, bounds, RTE_DIM(bounds), counts, sum);
}

static void write_latency(const struct engine *engine, struct metrics *m)
{
	metrics_begin(m, "crowfly_engine_latency_seconds", METRICS_HISTOGRAM,
		"From receive burst to transmit burst at that side, while set latency is on");
	for (unsigned i = 0; i < 2 * engine->shared.n_workers; i++)
		write_latency_of(engine, m, i / 2, i % 2);
}

// ---- of the ports and the engine

#define PORT_LIST(X)                                                                               \
	X(rx_packets, "received_packets_total", METRICS_COUNTER, "Packets that came by the port")  \
	X(tx_packets, "sent_packets_total", METRICS_COUNTER, "Packets that left by the port")      \
	X(rx_missed, "missed_packets_total", METRICS_COUNTER,                                      \
		"Packets lost because the receive queue was full")                                 \
	X(rx_errors, "receive_errors_total", METRICS_COUNTER, "Packets received with errors")      \
	X(tx_errors, "send_errors_total", METRICS_COUNTER, "Packets that could not be sent")       \
	X(link_up, "link_up", METRICS_GAUGE, "Whether the link is up")                             \
	X(queues, "queues", METRICS_GAUGE, "Receive queues")

static void write_ports(struct engine *engine, struct metrics *m)
{
	struct engine_port ports[3];
	unsigned n = engine_ports_get(engine, ports);

#define X(field, name, type, help)                                                                 \
	metrics_begin(m, "crowfly_engine_port_" name, type, help);                                 \
	for (unsigned i = 0; i < n; i++)                                                           \
		metrics_count(m, ports[i].field, "port=\"%s\"", ports[i].role);
	PORT_LIST(X)
#undef X
}

#define GAUGE_LIST(X)                                                                              \
	X(sessions, "sessions", "Sessions there are")                                              \
	X(draining, "draining", "Whether new sessions are refused")                                \
	X(workers, "workers", "Polling threads")                                                   \
	X(nexthops, "nexthops", "Next hops in use")                                                \
	X(nexthops_unresolved, "nexthops_unresolved", "Next hops without a MAC address")           \
	X(mbufs, "buffers", "Packet buffers")                                                      \
	X(mbufs_free, "buffers_free", "Packet buffers that are free")                              \
	X(memory_mapped, "memory_mapped_bytes", "Memory for sessions taken from the kernel")       \
	X(memory_used, "memory_used_bytes", "Memory in use by sessions")

void engine_metrics_write(void *user, struct metrics *m)
{
	struct engine *engine = user;
	struct engine_stats stats;

	metrics_begin(m, "crowfly_engine_info", METRICS_GAUGE, "1, with what runs as labels");
	metrics_count(m, 1, "version=\"%s\",crypto=\"%s\"", VERSION, context_backend_name());
	engine_stats_get(engine, &stats);
#define X(field, name, help)                                                                       \
	metrics_begin(m, "crowfly_engine_" name, METRICS_GAUGE, help);                             \
	metrics_plain(m, stats.field);
	GAUGE_LIST(X)
#undef X
	write_sides(engine, m);
	write_counters(engine, m);
	write_drops(engine, m);
	write_stages(engine, m);
	write_batches(engine, m);
	write_latency(engine, m);
	quality_write(&engine->quality, m);
	write_ports(engine, m);
}
