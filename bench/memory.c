// SPDX-License-Identifier: BSD-3-Clause
// What a stream costs in memory: how much the process grows, and what of it is what. Main thread.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/options.h"
#include "bench/result.h"
#include "bench/rig.h"

static const char about[] =
	"Adds streams, two a session, to an engine and reads how much resident memory it took, all\n"
	"tables included, and what of it are contexts, streams and sessions.\n";

struct usage {
	double rss;    // of the process
	double used;   // blocks of engine/mem.c in use
	double heap;   // blocks of malloc() in use
	double mapped; // by engine/mem.c
};

// The kernel counts page by page for this file; others may lag behind.
static double read_rss(void)
{
	unsigned long kb = 0;
	char line[256];
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	if (!f)
		bench_fail("/proc/self/smaps_rollup cannot be read");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %lu kB", &kb) == 1)
			break;
	fclose(f);
	return (double)kb * 1024;
}

static struct usage read_usage(struct rig *rig)
{
	struct mallinfo2 heap = mallinfo2();
	size_t mapped, used;

	mem_usage(rig->engine->mem, &mapped, &used);
	return (struct usage){.rss = read_rss(),
		.used = (double)used,
		.heap = (double)(heap.uordblks + heap.hblkhd),
		.mapped = (double)mapped};
}

static void report(const struct rig *rig, enum suite_id suite, const struct usage *before,
	const struct usage *now, json_t *result)
{
	double streams = 2.0 * rig->sessions;
	// With the arenas that an engine without sessions has: they are for streams
	double total = (now->rss - before->rss + before->mapped) / streams;
	const struct session *one = session_table_find(&rig->engine->sessions, rig->ids[0]);
	double context = (double)context_bytes(one->rx->context);
	double stream = sizeof(struct stream) + sizeof(struct stream_state);
	double session =
		(now->used + now->heap - before->used - before->heap) / streams - context - stream;
	double rest = total - context - stream - session;

	printf("%-25s %8.0f %9.0f %9.0f %9.0f %9.0f %9.0f %9.1f\n", suite_table[suite].name,
		streams, total, context, stream, session, rest, now->mapped / 1048576);
	fflush(stdout);
	result_add(result,
		json_pack("{s:s, s:i, s:f, s:{s:f, s:f, s:f, s:f}, s:{s:f, s:f, s:f}}", "suite",
			suite_table[suite].name, "streams", (int)streams, "bytes_per_stream", total,
			"split", "context", context, "stream", stream, "session", session, "tables",
			rest, "totals", "rss_growth", now->rss - before->rss, "arenas_mapped",
			now->mapped, "arenas_used", now->used - before->used));
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct rig *make_rig(const struct options *o)
{
	return rig_new(&(struct rig_params){.workers = 1, .packets = 256, .crypto = o->crypto});
}

// What libraries load and keep at their first use is no stream's.
static void warm_up(const struct options *o)
{
	struct rig *rig = make_rig(o);

	for (unsigned u = 0; u < o->n_suites; u++) {
		rig_add(rig, o->suites[u], 1);
		rig_remove(rig);
	}
	rig_free(rig);
}

// One engine for a suite, which grows from row to row.
static void measure(enum suite_id suite, const struct options *o, json_t *result)
{
	struct rig *rig = make_rig(o);
	struct usage before;

	memset(rig->ids, 1, sizeof(rig->ids)); // the benchmark's own: there before it begins
	before = read_usage(rig);
	for (unsigned i = 0; i < o->n_streams; i++) {
		struct usage now;

		rig_add(rig, suite, (o->streams[i] + 1) / 2);
		now = read_usage(rig);
		report(rig, suite, &before, &now, result);
	}
	rig_remove(rig);
	rig_free(rig);
	malloc_trim(0);
}

int bench_memory_use(int argc, char **argv)
{
	struct options o = {.takes = "streams suite crypto json",
		.n_streams = 4,
		.streams = {1000, 10000, 100000, 1000000},
		.n_suites = 3,
		.suites = {SUITE_AEAD_AES_128_GCM, SUITE_AEAD_AES_256_GCM,
			SUITE_AES_CM_128_HMAC_SHA1_80},
		.crypto = "ipsec_mb"};
	int rc = options_read(&o, argc, argv, about);
	json_t *result;

	if (rc >= 0)
		return rc;
	qsort(o.streams, o.n_streams, sizeof(o.streams[0]), ascending);
	result = result_new("memory", argc, argv);
	bench_print_machine();
	printf("\nbytes a stream of resident memory; `tables` is what the other parts do not explain:\n"
	       "the flow tables, the index of sessions, and what huge pages round up\n"
	       "%-25s %8s %9s %9s %9s %9s %9s %9s\n",
		"suite", "streams", "total", "context", "stream", "session", "tables", "mapped MB");
	mallopt(M_MMAP_THRESHOLD, 1 << 17); // not more: what one engine frees must go back
	warm_up(&o);
	malloc_trim(0);
	for (unsigned u = 0; u < o.n_suites; u++)
		measure(o.suites[u], &o, result);
	return result_end(result, o.json);
}
