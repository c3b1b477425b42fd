// SPDX-License-Identifier: BSD-3-Clause
// Measures the SRTP bursts over many streams in random order against the floor and libsrtp2, all in
// one run. One thread.
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/floor.h"
#include "crypto/burst.h"

#define HEADER	      12
#define CHUNK	      4096 // packets made, then measured: more than the second-level cache holds
#define STRIDE	      2048 // of packet buffers, as in a pool of mbufs
#define SLICE_NS      5000000u
#define LIBSRTP2_MOST 256 // streams; each costs it 0.1 ms to make and tens of kB

struct options {
	uint32_t streams, payload;
	int suite; // -1: the usual two
	bool protect, unprotect;
	double seconds; // for each line of the table
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
	struct bench_samples ns;
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
	if (context_backend_init(backend) != 0 || (set->size = context_size(&params)) == 0) {
		fprintf(stderr, "crowfly-bench: this machine cannot run %s\n", backend);
		exit(1);
	}
	set->order = calloc(streams, sizeof(*set->order));
	for (int d = 0; d < 2; d++) {
		params.direction = d == 0 ? CONTEXT_PROTECT : CONTEXT_UNPROTECT;
		set->memory[d] = bench_memory(set->size * streams);
		for (uint32_t i = 0; i < streams; i++) {
			memcpy(key, &i, sizeof(i));
			if (!context_init(set->memory[d] + i * set->size, &params) || !set->order) {
				fprintf(stderr, "crowfly-bench: no context for stream %u\n", i);
				exit(1);
			}
			set->order[i] = i;
		}
	}
	for (uint32_t i = streams - 1; i > 0; i--) {
		uint32_t j = bench_random(i + 1), was = set->order[i];
		set->order[i] = set->order[j];
		set->order[j] = was;
	}
}

static void set_fini(struct set *set)
{
	for (int d = 0; d < 2; d++) {
		for (uint32_t i = 0; i < set->streams; i++)
			context_fini((struct context *)(set->memory[d] + i * set->size));
		free(set->memory[d]);
	}
	free(set->order);
	bench_samples_fini(&set->ns);
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
static void make(struct chunk *chunk, const struct set *set, struct cursor *next,
	const struct options *options, bool protect)
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
			.length = HEADER + options->payload,
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

static void run_set(
	struct chunk *chunk, struct set *set, const struct options *options, bool protect)
{
	uint8_t status[BURST_MAX];
	uint32_t good = 0;

	make(chunk, set, &set->next, options, protect);
	uint64_t begin = bench_cpu_ns();
	for (uint32_t i = 0; i < CHUNK; i += burst_length(i))
		good += (protect ? burst_protect : burst_unprotect)(
			&chunk->packets[i], status, burst_length(i));
	bench_sample(&set->ns, (double)(bench_cpu_ns() - begin) / CHUNK);
	if (good != CHUNK) {
		fprintf(stderr, "crowfly-bench: only %u of %u packets were good\n", good, CHUNK);
		exit(1);
	}
}

static void run_floor(struct chunk *chunk, struct floor *floor, struct set *set,
	const struct options *options, bool protect, struct bench_samples *ns)
{
	// Where packets come from is the same as for ours; what they hold does not matter
	make(chunk, set, &set->floor_next, options, true);
	uint64_t begin = bench_cpu_ns();
	floor_run(floor, protect, chunk->stream, chunk->data, HEADER + options->payload, CHUNK);
	bench_sample(ns, (double)(bench_cpu_ns() - begin) / CHUNK);
}

static void print_line(const char *what, uint32_t streams, double ns, double floor_ns)
{
	printf("  %-22s %8u %9.2f %9.1f %8.0f %%\n", what, streams, 1000 / ns, ns,
		100 * floor_ns / ns);
	fflush(stdout);
}

// In slices that take turns, so that a noisy neighbour troubles all alike.
static void measure(const struct options *options, enum suite_id suite, bool protect)
{
	static struct chunk chunk;
	struct bench_samples floor_ns = {0};
	struct set ours, reference;
	uint32_t few = options->streams < LIBSRTP2_MOST ? options->streams : LIBSRTP2_MOST;

	chunk.buffers = chunk.buffers ? chunk.buffers : bench_memory((size_t)CHUNK * STRIDE);
	for (uint32_t i = 0; i < CHUNK; i++)
		chunk.data[i] = chunk.buffers + (size_t)i * STRIDE;
	struct floor *floor = floor_new(suite, options->streams);
	set_init(&reference, "libsrtp2", suite, few);
	set_init(&ours, "ipsec_mb", suite, options->streams);

	printf("%s, %s, %u bytes of payload, ipsec-mb for %s, %zu bytes a context\n",
		suite_table[suite].name, protect ? "protect" : "unprotect", options->payload,
		floor_arch(), ours.size);
	printf("  %-22s %8s %9s %9s %10s\n", "", "streams", "Mpps", "ns/packet", "of floor");
	uint64_t end = bench_now_ns() + (uint64_t)(options->seconds * 2e9);
	while (bench_now_ns() < end) {
		for (uint64_t slice = bench_now_ns() + SLICE_NS; bench_now_ns() < slice;)
			run_floor(&chunk, floor, &ours, options, protect, &floor_ns);
		for (uint64_t slice = bench_now_ns() + SLICE_NS; bench_now_ns() < slice;)
			run_set(&chunk, &ours, options, protect);
	}
	end = bench_now_ns() + (uint64_t)(options->seconds * 1e9);
	do
		run_set(&chunk, &reference, options, protect);
	while (bench_now_ns() < end);

	double base = bench_quantile(&floor_ns, 0.25);
	print_line("floor (ipsec-mb alone)", options->streams, base, base);
	print_line("crowfly, ipsec_mb", options->streams, bench_quantile(&ours.ns, 0.25), base);
	print_line("crowfly, libsrtp2", few, bench_quantile(&reference.ns, 0.25), base);
	bench_samples_fini(&floor_ns);
	set_fini(&ours);
	set_fini(&reference);
	floor_free(floor);
}

static int usage(FILE *out)
{
	fprintf(out,
		"usage: crowfly-bench floor [OPTION...]\n"
		"  --streams N       keys, met in random order (default 10000)\n"
		"  --payload BYTES   of RTP (default 160)\n"
		"  --suite NAME      such as AEAD_AES_128_GCM (default: it and AES_CM_128_HMAC_SHA1_80)\n"
		"  --direction D     protect or unprotect (default: both)\n"
		"  --seconds S       for each line of the table (default 1)\n");
	return out == stdout ? 0 : 2;
}

static bool number(const char *text, double min, double max, double *out)
{
	char *end;
	*out = strtod(text, &end);
	return end != text && *end == 0 && *out >= min && *out <= max;
}

static bool set_option(struct options *options, int key, const char *value)
{
	double x;
	switch (key) {
	case 's':
		options->streams = number(value, 1, 2e6, &x) ? (uint32_t)x : 0;
		return options->streams > 0;
	case 'p':
		options->payload = number(value, 1, 1500, &x) ? (uint32_t)x : 0;
		return options->payload > 0;
	case 't':
		return number(value, 0.01, 3600, &options->seconds);
	case 'u':
		options->suite = suite_find(value);
		return options->suite >= 0;
	case 'd':
		options->protect = strcmp(value, "protect") == 0;
		options->unprotect = strcmp(value, "unprotect") == 0;
		return options->protect || options->unprotect;
	}
	return false;
}

int bench_floor(int argc, char **argv)
{
	static const struct option known[] = {
		{"streams", required_argument, NULL, 's'},
		{"payload", required_argument, NULL, 'p'},
		{"suite", required_argument, NULL, 'u'},
		{"direction", required_argument, NULL, 'd'},
		{"seconds", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct options options = {10000, 160, -1, true, true, 1};
	int key, index;

	while ((key = getopt_long(argc, argv, "", known, &index)) != -1) {
		if (key == 'h')
			return usage(stdout);
		if (key == '?')
			return usage(stderr);
		if (!set_option(&options, key, optarg)) {
			fprintf(stderr, "crowfly-bench: --%s: cannot be %s\n", known[index].name,
				optarg);
			return 2;
		}
	}
	if (optind != argc)
		return usage(stderr);
	for (int suite = 0; suite < SUITE_COUNT; suite++) {
		bool usual =
			suite == SUITE_AEAD_AES_128_GCM || suite == SUITE_AES_CM_128_HMAC_SHA1_80;
		if (options.suite >= 0 ? suite != options.suite : !usual)
			continue;
		if (options.protect)
			measure(&options, suite, true);
		if (options.unprotect)
			measure(&options, suite, false);
	}
	return 0;
}
