// SPDX-License-Identifier: BSD-3-Clause
// One worker's round of packets, measured; one thread each.
#include "bench/lane.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "engine/rcu.h"

#define SLICE_CHUNKS 8 // floor and path take turns after so many
#define RTP_HEADER   12

void lane_init(struct lane *lane)
{
	struct rig *rig = lane->rig;
	uint32_t keys = lane->n_sessions * (lane->direction == BENCH_BOTH ? 2 : 1);
	uint8_t *data = bench_memory((size_t)LANE_CHUNK * RTE_MBUF_DEFAULT_BUF_SIZE);

	lane->order = calloc(lane->n_sessions, sizeof(*lane->order));
	lane->means = calloc((LANE_SERIES + 1) * lane->repeats, sizeof(double));
	if (!lane->order || !lane->means)
		bench_fail("out of memory");
	for (int s = 0; s < LANE_SERIES; s++)
		lane->repeats_of[s] = lane->means + (s + 1) * lane->repeats;
	for (uint32_t i = 0; i < lane->n_sessions; i++)
		lane->order[i] = lane->index + i * rig->config.workers;
	bench_shuffle(lane->order, lane->n_sessions);
	for (unsigned c = 0; c < 2; c++)
		if (rte_pktmbuf_alloc_bulk(rig->pool, lane->chunks[c].mbufs, LANE_CHUNK) != 0)
			bench_fail("no memory for packets");
	lane->floor = floor_new(lane->suite, keys);
	for (uint32_t i = 0; i < LANE_CHUNK; i++)
		lane->floor_data[i] = data + (size_t)i * RTE_MBUF_DEFAULT_BUF_SIZE;
}

void lane_fini(struct lane *lane)
{
	for (unsigned c = 0; c < 2; c++)
		rte_pktmbuf_free_bulk(lane->chunks[c].mbufs, LANE_CHUNK);
	bench_memory_free(lane->floor_data[0]);
	floor_free(lane->floor);
	free(lane->order);
	free(lane->means);
	for (int s = 0; s < LANE_SERIES; s++)
		bench_samples_fini(&lane->ns[s]);
	for (int s = 0; s < STAGE_COUNT; s++)
		bench_samples_fini(&lane->stage_cycles[s]);
}

// ---- the application and the network

// A sum that tells packets apart by their content; the order they come in does not matter.
static uint64_t digest(const uint8_t *rtp, uint32_t length)
{
	uint64_t hash = length, word = 0;

	for (uint32_t i = 0; i < length; i += sizeof(word)) {
		memcpy(&word, rtp + i, RTE_MIN(length - i, sizeof(word)));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash;
}

// The application writes the next packet of each of the next LANE_CHUNK sessions.
static void make(struct lane *lane, struct lane_chunk *chunk)
{
	uint32_t length = RTP_HEADER + lane->payload;

	for (uint32_t i = 0; i < LANE_CHUNK; i++) {
		uint32_t session = lane->order[lane->at];
		uint8_t *rtp = rig_frame(chunk->mbufs[i], session, SIDE_HOST, length);
		const uint8_t header[RTP_HEADER] = {
			0x80, 0, lane->seq >> 8, lane->seq & 0xff, 0, 0, 0, 0, 1};

		chunk->session[i] = session;
		memcpy(rtp, header, sizeof(header));
		if (lane->verify) {
			memset(rtp + RTP_HEADER, (uint8_t)(session + lane->seq), lane->payload);
			lane->sent += digest(rtp, length);
		}
		if (++lane->at == lane->n_sessions) {
			lane->at = 0;
			lane->seq++;
		}
	}
}

// What came out of the host port: counted by its content.
static void take(struct lane *lane, const struct lane_chunk *chunk)
{
	for (uint32_t i = 0; lane->verify && i < LANE_CHUNK; i++)
		lane->received +=
			digest(rte_pktmbuf_mtod_offset(chunk->mbufs[i], uint8_t *, RIG_HEADERS),
				chunk->mbufs[i]->data_len - RIG_HEADERS);
}

static void put_in(struct lane *lane, enum packet_side side, struct lane_chunk *chunk)
{
	struct rte_ring *ring = lane->rig->in[side][lane->index];

	if (rte_ring_enqueue_bulk(ring, (void **)chunk->mbufs, LANE_CHUNK, NULL) != LANE_CHUNK)
		bench_fail("the ring of the port is full");
}

static void take_out(struct lane *lane, enum packet_side side, struct lane_chunk *chunk)
{
	struct rte_ring *ring = lane->rig->out[side][lane->index];

	if (rte_ring_dequeue_bulk(ring, (void **)chunk->mbufs, LANE_CHUNK, NULL) != LANE_CHUNK)
		bench_fail("of %u packets only %u came out of the %s port: %s", LANE_CHUNK,
			rte_ring_count(ring), side == SIDE_WIRE ? "wire" : "host",
			bench_drops(lane->rig->engine));
}

// ---- the worker

// What the stages took of the batches timed since the last call.
static void sample_stages(struct lane *lane, const struct worker *worker)
{
	for (int s = 0; s < STAGE_COUNT; s++) {
		struct stage_counters *before = &lane->stages_before[s];
		uint64_t packets = worker->stages[s].packets - before->packets;

		if (packets > 0)
			bench_sample(&lane->stage_cycles[s],
				(double)(worker->stages[s].cycles - before->cycles) /
					(double)packets);
		*before = worker->stages[s];
	}
}

// Has the engine's worker handle n packets; returns the nanoseconds of CPU time each took.
static double drive(struct lane *lane, uint32_t n)
{
	struct worker *worker = &lane->rig->engine->shared.workers[lane->index];
	unsigned loops = 0, idle = 0;
	uint64_t begin = bench_cpu_ns(), ns;

	for (uint32_t done = 0; done < n;) {
		unsigned handled = worker_iterate(worker);

		if (++loops % 16 == 0)
			rcu_quiescent_state();
		done += handled;
		if (handled == 0 && ++idle > 1000000)
			bench_fail("the worker has stalled: %s", bench_drops(lane->rig->engine));
	}
	ns = bench_cpu_ns() - begin;
	sample_stages(lane, worker);
	return (double)ns / n;
}

// One chunk of the application's packets to the wire and back to the application.
static void go_round(struct lane *lane)
{
	struct lane_chunk *chunk = &lane->chunks[0];
	double protect, unprotect;

	make(lane, chunk);
	put_in(lane, SIDE_HOST, chunk);
	protect = drive(lane, LANE_CHUNK);
	take_out(lane, SIDE_WIRE, chunk);
	for (uint32_t i = 0; i < LANE_CHUNK; i++)
		rig_reflect(chunk->mbufs[i]);
	put_in(lane, SIDE_WIRE, chunk);
	unprotect = drive(lane, LANE_CHUNK);
	take_out(lane, SIDE_HOST, chunk);
	take(lane, chunk);
	bench_sample(
		&lane->ns[lane->series], lane->direction == BENCH_PROTECT ? protect : unprotect);
}

// One chunk each way at the same time.
static void go_both(struct lane *lane)
{
	struct lane_chunk *plain = &lane->chunks[lane->fresh];
	struct lane_chunk *secure = &lane->chunks[1 - lane->fresh];

	make(lane, plain);
	put_in(lane, SIDE_HOST, plain);
	put_in(lane, SIDE_WIRE, secure);
	bench_sample(&lane->ns[lane->series], drive(lane, 2 * LANE_CHUNK));
	take_out(lane, SIDE_WIRE, plain);
	take_out(lane, SIDE_HOST, secure);
	take(lane, secure);
	for (uint32_t i = 0; i < LANE_CHUNK; i++)
		rig_reflect(plain->mbufs[i]);
	lane->fresh = 1 - lane->fresh;
}

// Before the first go_both(): one chunk is on the wire.
static void prime(struct lane *lane)
{
	struct lane_chunk *chunk = &lane->chunks[1];

	make(lane, chunk);
	put_in(lane, SIDE_HOST, chunk);
	drive(lane, LANE_CHUNK);
	take_out(lane, SIDE_WIRE, chunk);
	for (uint32_t i = 0; i < LANE_CHUNK; i++)
		rig_reflect(chunk->mbufs[i]);
}

// ---- measuring

static double floor_chunk(struct lane *lane, bool protect, uint32_t first_key)
{
	uint32_t trailer = suite_table[lane->suite].tag_bytes;
	uint32_t length = RTP_HEADER + lane->payload;
	uint64_t begin;

	(void)trailer;
	for (uint32_t i = 0; i < LANE_CHUNK; i++) {
		lane->floor_stream[i] =
			first_key + lane->order[lane->floor_at] / lane->rig->config.workers;
		if (++lane->floor_at == lane->n_sessions)
			lane->floor_at = 0;
	}
	begin = bench_cpu_ns();
	floor_run(lane->floor, protect, lane->floor_stream, lane->floor_data, length, LANE_CHUNK);
	return (double)(bench_cpu_ns() - begin) / LANE_CHUNK;
}

static void run_floor(struct lane *lane)
{
	double ns;

	if (lane->direction == BENCH_BOTH)
		ns = (floor_chunk(lane, true, 0) + floor_chunk(lane, false, lane->n_sessions)) / 2;
	else
		ns = floor_chunk(lane, lane->direction == BENCH_PROTECT, 0);
	bench_sample(&lane->ns[lane->series], ns);
}

static void run_path(struct lane *lane)
{
	if (lane->direction == BENCH_BOTH)
		go_both(lane);
	else
		go_round(lane);
}

static void run_slice(struct lane *lane, enum lane_series series)
{
	lane->series = series;
	for (int i = 0; i < SLICE_CHUNKS; i++)
		if (series == LANE_FLOOR || series == LANE_FLOOR_ALONE)
			run_floor(lane);
		else
			run_path(lane);
}

// Each lane in its turn does what all did together.
static void run_alone(struct lane *lane)
{
	for (unsigned w = 0; w < lane->workers; w++) {
		pthread_barrier_wait(lane->barrier);
		if (w != lane->index)
			continue;
		run_slice(lane, LANE_FLOOR_ALONE);
		run_slice(lane, LANE_PATH_ALONE);
	}
}

// Floor and path take turns, so that what else the machine does troubles both alike; all lanes are
// in the same one. The first lane decides when to end.
static void repeat(struct lane *lane, unsigned n)
{
	static bool over;
	uint64_t end = bench_now_ns() + (uint64_t)(lane->seconds * 1e9);

	do {
		pthread_barrier_wait(lane->barrier);
		run_slice(lane, LANE_FLOOR);
		pthread_barrier_wait(lane->barrier);
		run_slice(lane, LANE_PATH);
		if (lane->workers > 1)
			run_alone(lane);
		if (lane->index == 0)
			over = bench_now_ns() >= end;
		pthread_barrier_wait(lane->barrier);
	} while (!over);
	lane->means[n] = bench_mean(&lane->ns[LANE_PATH]);
	for (int s = 0; s < LANE_SERIES; s++) {
		lane->repeats_of[s][n] = bench_quantile(&lane->ns[s], 0.25);
		lane->ns[s].n = 0;
	}
}

// In `both`, the chunk that is on the wire comes home, for all to be verified.
static void finish(struct lane *lane)
{
	struct lane_chunk *chunk = &lane->chunks[1 - lane->fresh];

	if (lane->direction != BENCH_BOTH)
		return;
	put_in(lane, SIDE_WIRE, chunk);
	drive(lane, LANE_CHUNK);
	take_out(lane, SIDE_HOST, chunk);
	take(lane, chunk);
}

void *lane_run(void *arg)
{
	struct lane *lane = arg;

	bench_pin(lane->index);
	context_thread_init();
	rcu_register_thread();
	if (lane->direction == BENCH_BOTH)
		prime(lane);
	for (uint32_t done = 0; done < lane->n_sessions; done += LANE_CHUNK)
		run_path(lane); // every stream once, to be owned and to have its SSRC
	lane->ns[lane->series].n = 0;
	for (int s = 0; s < STAGE_COUNT; s++)
		lane->stage_cycles[s].n = 0;
	for (unsigned n = 0; n < lane->repeats; n++)
		repeat(lane, n);
	finish(lane);
	rcu_unregister_thread();
	return NULL;
}
