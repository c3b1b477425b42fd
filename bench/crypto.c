// SPDX-License-Identifier: BSD-3-Clause
// Measures the SRTP bursts over many streams in random order against the floor and libsrtp2, all in
// one run. One thread.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/floor.h"
#include "bench/options.h"
#include "bench/result.h"
#include "crypto/burst.h"

#define HEADER	      12
#define CHUNK	      4096 // packets made, then measured: more than the second-level cache holds
#define STRIDE	      2048 // of packet buffers, as in a pool of mbufs
#define SLICE_NS      5000000u
#define LIBSRTP2_MOST 1024 // streams; each costs it 0.1 ms to make and tens of kB

static const char about[] =
	"The SRTP bursts of crypto/ alone, on one core, against straight calls of ipsec-mb with as\n"
	"many keys (the floor) and against libsrtp2, in the same run.\n";

struct row {
	uint32_t streams, payload;
	enum suite_id suite;
	enum bench_direction direction;
};

// One back end's contexts for all streams.
struct set {
	uint32_t streams;
	uint8_t *memory[2]; // by direction
	size_t size;
	uint32_t *order; // a permutation of the streams: each comes once in a round
	struct cursor {
		uint32_t at;  // in order
		uint16_t seq; // of the round
	} next, floor_next;
	struct bench_samples ns, repeats; // of each chunk; the first quartile of each repeat
};

struct chunk {
	uint8_t *buffers;
	uint32_t stream[CHUNK];
	uint8_t *data[CHUNK];
	struct burst_packet packets[CHUNK];
};

static void set_init(struct set *set, const char *backend, enum suite_id suite, uint32_t streams)
{
	uint8_t key[SUITE_KEY_MAX] = {0}, salt[SUITE_SALT_MAX] = {1};
	struct context_params params = {.suite = suite, .key = key, .salt = salt};

	memset(set, 0, sizeof(*set));
	set->streams = streams;
	if (context_backend_init(backend) != 0 || (set->size = context_size(&params)) == 0)
		bench_fail("this machine cannot run %s", backend);
	set->order = calloc(streams, sizeof(*set->order));
	if (!set->order)
		bench_fail("out of memory");
	for (int d = 0; d < 2; d++) {
		params.direction = d == 0 ? CONTEXT_PROTECT : CONTEXT_UNPROTECT;
		set->memory[d] = bench_memory(set->size * streams);
		for (uint32_t i = 0; i < streams; i++) {
			memcpy(key, &i, sizeof(i));
			if (!context_init(set->memory[d] + i * set->size, &params))
				bench_fail("no context for stream %u", i);
			set->order[i] = i;
		}
	}
	bench_shuffle(set->order, streams);
}

static void set_fini(struct set *set)
{
	for (int d = 0; d < 2; d++) {
		for (uint32_t i = 0; i < set->streams; i++)
			context_fini((struct context *)(set->memory[d] + i * set->size));
		bench_memory_free(set->memory[d]);
	}
	free(set->order);
	bench_samples_fini(&set->ns);
	bench_samples_fini(&set->repeats);
}

static struct context *context_of(const struct set *set, int direction, uint32_t stream)
{
	return (struct context *)(set->memory[direction] + stream * set->size);
}

static uint32_t burst_length(uint32_t i)
{
	return CHUNK - i < 32 ? CHUNK - i : 32; // as the engine polls
}

// Writes the next packet of CHUNK streams, and protects them if what is measured is unprotecting.
static void make(struct chunk *chunk, const struct set *set, struct cursor *next, uint32_t payload,
	bool protect)
{
	uint8_t status[BURST_MAX];

	for (uint32_t i = 0; i < CHUNK; i++) {
		uint32_t stream = set->order[next->at];
		uint8_t header[HEADER] = {0x80, 0, next->seq >> 8, next->seq & 0xff, 0, 0, 0, 0, 1};
		memcpy(chunk->data[i], header, HEADER);
		chunk->stream[i] = stream;
		chunk->packets[i] = (struct burst_packet){
			.ctx = context_of(set, CONTEXT_PROTECT, stream),
			.data = chunk->data[i],
			.length = HEADER + payload,
			.room = STRIDE,
		};
		if (++next->at == set->streams) {
			next->at = 0;
			next->seq++;
		}
	}
	if (protect)
		return;
	for (uint32_t i = 0; i < CHUNK; i += burst_length(i))
		burst_protect(&chunk->packets[i], status, burst_length(i));
	for (uint32_t i = 0; i < CHUNK; i++)
		chunk->packets[i].ctx = context_of(set, CONTEXT_UNPROTECT, chunk->stream[i]);
}

// Nanoseconds a packet, of one chunk.
static double run_set(struct chunk *chunk, struct set *set, uint32_t payload, bool protect)
{
	uint8_t status[BURST_MAX];
	uint32_t good = 0;
	uint64_t begin, end;

	make(chunk, set, &set->next, payload, protect);
	begin = bench_cpu_ns();
	for (uint32_t i = 0; i < CHUNK; i += burst_length(i))
		good += (protect ? burst_protect : burst_unprotect)(
			&chunk->packets[i], status, burst_length(i));
	end = bench_cpu_ns();
	if (good != CHUNK)
		bench_fail("only %u of %u packets were good", good, CHUNK);
	return (double)(end - begin) / CHUNK;
}

// Where packets come from is the same as for ours; what they hold does not matter.
static double run_floor(
	struct chunk *chunk, struct floor *floor, struct set *set, uint32_t payload, bool protect)
{
	uint64_t begin;

	make(chunk, set, &set->floor_next, payload, true);
	begin = bench_cpu_ns();
	floor_run(floor, protect, chunk->stream, chunk->data, HEADER + payload, CHUNK);
	return (double)(bench_cpu_ns() - begin) / CHUNK;
}

static void sample_set(struct chunk *chunk, struct set *set, const struct row *row)
{
	double ns = 0;

	if (row->direction != BENCH_UNPROTECT)
		ns += run_set(chunk, set, row->payload, true);
	if (row->direction != BENCH_PROTECT)
		ns += run_set(chunk, set, row->payload, false);
	bench_sample(&set->ns, row->direction == BENCH_BOTH ? ns / 2 : ns);
}

static void sample_floor(struct chunk *chunk, struct floor *floor, struct set *set,
	const struct row *row, struct bench_samples *out)
{
	double ns = 0;

	if (row->direction != BENCH_UNPROTECT)
		ns += run_floor(chunk, floor, set, row->payload, true);
	if (row->direction != BENCH_PROTECT)
		ns += run_floor(chunk, floor, set, row->payload, false);
	bench_sample(out, row->direction == BENCH_BOTH ? ns / 2 : ns);
}

static void close_repeat(struct bench_samples *ns, struct bench_samples *repeats)
{
	bench_sample(repeats, bench_quantile(ns, 0.25));
	ns->n = 0;
}

// ---- a line of the table, and its row

static json_t *row_json(const char *what, const struct row *row, uint32_t streams,
	struct bench_samples *ns, double floor_ns)
{
	struct bench_samples mpps = {0}, ratios = {0};
	double median = bench_quantile(ns, 0.5);
	json_t *out;

	for (size_t i = 0; i < ns->n; i++) {
		bench_sample(&mpps, 1000 / ns->values[i]);
		bench_sample(&ratios, floor_ns / ns->values[i]);
	}
	out = json_pack("{s:i, s:i, s:s, s:s, s:i, s:s, s:f, s:f, s:f, s:o, s:o}", "streams",
		(int)streams, "payload", (int)row->payload, "suite", suite_table[row->suite].name,
		"direction", bench_direction_names[row->direction], "workers", 1, "code", what,
		"mpps", 1000 / median, "ratio", floor_ns / median, "ns_per_packet", median,
		"mpps_spread", result_spread(&mpps), "ratio_spread", result_spread(&ratios));
	bench_samples_fini(&mpps);
	bench_samples_fini(&ratios);
	return out;
}

static void report(json_t *result, const char *what, const struct row *row, uint32_t streams,
	struct bench_samples *ns, double floor_ns)
{
	double median = bench_quantile(ns, 0.5);

	printf("%-25s %7u %5u %-9s %-9s %7.2f %7.1f %6.2f%s\n", suite_table[row->suite].name,
		streams, row->payload, bench_direction_names[row->direction], what, 1000 / median,
		median, floor_ns / median,
		streams < row->streams ? "  (its most streams here)" : "");
	fflush(stdout);
	result_add(result, row_json(what, row, streams, ns, floor_ns));
}

// In slices that take turns, so that a noisy neighbour troubles all alike.
static void measure_ours(struct chunk *chunk, struct set *ours, struct floor *floor,
	const struct row *row, double seconds, struct bench_samples *floor_repeats)
{
	struct bench_samples floor_ns = {0};
	uint64_t end = bench_now_ns() + (uint64_t)(seconds * 2e9);

	while (bench_now_ns() < end || ours->ns.n == 0) {
		for (uint64_t slice = bench_now_ns() + SLICE_NS; bench_now_ns() < slice;)
			sample_floor(chunk, floor, ours, row, &floor_ns);
		for (uint64_t slice = bench_now_ns() + SLICE_NS; bench_now_ns() < slice;)
			sample_set(chunk, ours, row);
	}
	close_repeat(&floor_ns, floor_repeats);
	close_repeat(&ours->ns, &ours->repeats);
	bench_samples_fini(&floor_ns);
}

static void measure_reference(
	struct chunk *chunk, struct set *set, const struct row *row, double seconds)
{
	uint64_t end = bench_now_ns() + (uint64_t)(seconds * 1e9);

	do
		sample_set(chunk, set, row);
	while (bench_now_ns() < end);
	close_repeat(&set->ns, &set->repeats);
}

static void measure(const struct row *row, const struct options *o, json_t *result)
{
	static struct chunk chunk;
	struct bench_samples floor_repeats = {0};
	struct set ours, reference;
	struct floor *floor = floor_new(row->suite, row->streams);
	double seconds = o->seconds / o->repeats, base;

	chunk.buffers = chunk.buffers ? chunk.buffers : bench_memory((size_t)CHUNK * STRIDE);
	for (uint32_t i = 0; i < CHUNK; i++)
		chunk.data[i] = chunk.buffers + (size_t)i * STRIDE;
	set_init(&reference, "libsrtp2", row->suite,
		row->streams < LIBSRTP2_MOST ? row->streams : LIBSRTP2_MOST);
	set_init(&ours, "ipsec_mb", row->suite, row->streams);
	for (unsigned r = 0; r < o->repeats; r++) {
		measure_ours(&chunk, &ours, floor, row, seconds, &floor_repeats);
		measure_reference(&chunk, &reference, row, seconds);
	}
	base = bench_quantile(&floor_repeats, 0.5);
	report(result, "floor", row, row->streams, &floor_repeats, base);
	report(result, "ipsec_mb", row, row->streams, &ours.repeats, base);
	report(result, "libsrtp2", row, reference.streams, &reference.repeats, base);
	bench_samples_fini(&floor_repeats);
	set_fini(&ours);
	set_fini(&reference);
	floor_free(floor);
}

int bench_floor(int argc, char **argv)
{
	struct options o = {.takes = "streams payload suite direction seconds repeats json",
		.n_streams = 1,
		.streams = {10000},
		.n_payloads = 1,
		.payloads = {160},
		.n_suites = 2,
		.suites = {SUITE_AEAD_AES_128_GCM, SUITE_AES_CM_128_HMAC_SHA1_80},
		.n_directions = 2,
		.directions = {BENCH_PROTECT, BENCH_UNPROTECT},
		.repeats = 5,
		.seconds = 1};
	int rc = options_read(&o, argc, argv, about);
	json_t *result;

	if (rc >= 0)
		return rc;
	result = result_new("floor", argc, argv);
	bench_print_machine();
	printf("\none core; no port; `ratio` is of the floor\n%-25s %7s %5s %-9s %-9s %7s %7s %6s\n",
		"suite", "streams", "bytes", "direction", "code", "Mpps", "ns", "ratio");
	for (unsigned u = 0; u < o.n_suites; u++)
		for (unsigned s = 0; s < o.n_streams; s++)
			for (unsigned p = 0; p < o.n_payloads; p++)
				for (unsigned d = 0; d < o.n_directions; d++)
					measure(&(struct row){o.streams[s], o.payloads[p],
							o.suites[u], o.directions[d]},
						&o, result);
	return result_end(result, o.json);
}
