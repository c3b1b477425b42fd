// SPDX-License-Identifier: BSD-3-Clause
// The flow table against rte_hash and cds_lfht, alone and beside a writer, in one run. The main
// thread reads; a thread of its own writes.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lookup_table.h"
#include "bench/options.h"
#include "bench/result.h"
#include "engine/rcu.h"

#define CHUNK	     4096 // look-ups made, then measured
#define SLICE_CHUNKS 8	  // the tables take turns after so many
#define QUIESCENT    16	  // bursts between two quiescent states, as in a worker
#define CHURN	     1024 // streams that come and go

static const char about[] =
	"Look-ups 32 at a time, as the workers do them, of streams in random order, down to the first\n"
	"line of what is found: the flow table, DPDK's rte_hash (lock-free readers, bulk) and\n"
	"liburcu's cds_lfht (QSBR), without and with a thread that adds and removes all the time.\n";

struct subject {
	const struct lookup_ops *ops;
	struct lookup_table *table;
	struct bench_samples hit, miss, hit_repeats, miss_repeats; // ns
	uint64_t turn_ns;					   // that it was its turn
	uint64_t writes;					   // the writer's
};

struct race {
	uint32_t n;	       // streams that are looked up
	uint32_t *order;       // a permutation of them
	uint32_t at;	       // in `order`
	uint32_t churn[CHURN]; // streams of the writer, between the others
	struct subject subjects[LOOKUP_TABLES];
	struct parse parses[CHUNK];
	const struct parse *packets[CHUNK];
	uint64_t sum;

	pthread_t writer;
	int stop, turn; // the writer's orders: the table it is to write to
};

// ---- the writer

// Takes all of its streams out, waits for the readers, puts them back.
static void churn(struct race *race, struct subject *s)
{
	for (unsigned i = 0; i < CHURN; i++)
		s->ops->del(s->table, race->churn[i]);
	synchronize_rcu();
	for (unsigned i = 0; i < CHURN && s->ops->reclaim; i++)
		s->ops->reclaim(s->table, race->churn[i]);
	for (unsigned i = 0; i < CHURN; i++)
		s->ops->add(s->table, race->churn[i]);
	__atomic_fetch_add(&s->writes, 2 * CHURN, __ATOMIC_RELAXED);
}

static void *write_all(void *arg)
{
	struct race *race = arg;

	bench_pin(1);
	rcu_register_thread();
	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		churn(race, &race->subjects[__atomic_load_n(&race->turn, __ATOMIC_RELAXED)]);
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

static void start_writer(struct race *race)
{
	race->stop = 0;
	if (pthread_create(&race->writer, NULL, write_all, race) != 0)
		bench_fail("no thread for the writer");
}

static void stop_writer(struct race *race)
{
	__atomic_store_n(&race->stop, 1, __ATOMIC_RELAXED);
	rcu_thread_offline(); // it may wait for us
	pthread_join(race->writer, NULL);
	rcu_thread_online();
}

// ---- the reader

static void fill(struct race *race, bool missing)
{
	for (uint32_t i = 0; i < CHUNK; i++) {
		lookup_parse(race->order[race->at], missing, &race->parses[i]);
		if (++race->at == race->n)
			race->at = 0;
	}
}

static double look_up(struct race *race, const struct subject *s, bool missing)
{
	uint64_t begin;
	uint32_t found = 0;

	fill(race, missing);
	begin = bench_cpu_ns();
	for (unsigned i = 0; i < CHUNK; i += LOOKUP_BURST) {
		race->sum += s->ops->lookup(s->table, &race->packets[i], &found);
		if (i % (QUIESCENT * LOOKUP_BURST) == 0)
			rcu_quiescent_state();
	}
	begin = bench_cpu_ns() - begin;
	if (found != (missing ? 0 : CHUNK))
		bench_fail("%s found %u of %u streams", s->ops->name, found, missing ? 0 : CHUNK);
	return (double)begin / CHUNK;
}

static void take_turn(struct race *race, struct subject *s)
{
	uint64_t begin = bench_now_ns();

	__atomic_store_n(&race->turn, (int)(s - race->subjects), __ATOMIC_RELAXED);
	for (int i = 0; i < SLICE_CHUNKS; i++)
		bench_sample(&s->hit, look_up(race, s, false));
	for (int i = 0; i < SLICE_CHUNKS / 2; i++)
		bench_sample(&s->miss, look_up(race, s, true));
	s->turn_ns += bench_now_ns() - begin;
}

static void repeat(struct race *race, double seconds)
{
	uint64_t end = bench_now_ns() + (uint64_t)(seconds * 1e9);

	do
		for (unsigned t = 0; t < LOOKUP_TABLES; t++)
			take_turn(race, &race->subjects[t]);
	while (bench_now_ns() < end);
	for (unsigned t = 0; t < LOOKUP_TABLES; t++) {
		struct subject *s = &race->subjects[t];

		bench_sample(&s->hit_repeats, bench_quantile(&s->hit, 0.25));
		bench_sample(&s->miss_repeats, bench_quantile(&s->miss, 0.25));
		s->hit.n = s->miss.n = 0;
	}
}

// ---- rows

static void report(const struct race *race, struct subject *s, bool writer, json_t *result)
{
	double ns = bench_quantile(&s->hit_repeats, 0.5);
	double miss = bench_quantile(&s->miss_repeats, 0.5);
	double writes = writer ? (double)s->writes / ((double)s->turn_ns / 1e9) : 0;

	printf("%-9s %8u %-6s %8.1f %8.1f %8.1f %12.0f\n", s->ops->name, race->n,
		writer ? "yes" : "no", ns, 1000 / ns, miss, writes);
	fflush(stdout);
	result_add(result,
		json_pack("{s:s, s:i, s:b, s:f, s:f, s:f, s:f, s:o, s:o}", "table", s->ops->name,
			"streams", (int)race->n, "writer", writer, "ns_per_lookup", ns, "mlookups",
			1000 / ns, "ns_per_miss", miss, "writes_per_second", writes,
			"ns_per_lookup_spread", result_spread(&s->hit_repeats),
			"ns_per_miss_spread", result_spread(&s->miss_repeats)));
}

static void measure(struct race *race, bool writer, const struct options *o, json_t *result)
{
	for (unsigned t = 0; t < LOOKUP_TABLES; t++) {
		struct subject *s = &race->subjects[t];

		s->hit_repeats.n = s->miss_repeats.n = 0;
		s->turn_ns = s->writes = 0;
	}
	if (writer)
		start_writer(race);
	for (unsigned r = 0; r < o->repeats; r++)
		repeat(race, LOOKUP_TABLES * o->seconds / o->repeats);
	if (writer)
		stop_writer(race);
	for (unsigned t = 0; t < LOOKUP_TABLES; t++)
		report(race, &race->subjects[t], writer, result);
}

// All tables with the same streams; which of them are the writer's is left to chance.
static struct race *race_new(uint32_t n)
{
	struct race *race = calloc(1, sizeof(*race));
	uint32_t total = n + CHURN;

	if (!race || !(race->order = calloc(total, sizeof(*race->order))))
		bench_fail("out of memory");
	race->n = n;
	for (uint32_t i = 0; i < total; i++)
		race->order[i] = i;
	bench_shuffle(race->order, total);
	memcpy(race->churn, race->order + n, sizeof(race->churn));
	for (unsigned i = 0; i < CHUNK; i++)
		race->packets[i] = &race->parses[i];
	for (unsigned t = 0; t < LOOKUP_TABLES; t++) {
		struct subject *s = &race->subjects[t];

		s->ops = &lookup_tables[t];
		s->table = s->ops->new_table(total);
		for (uint32_t i = 0; i < total; i++)
			s->ops->add(s->table, i);
	}
	return race;
}

static void race_free(struct race *race)
{
	for (unsigned t = 0; t < LOOKUP_TABLES; t++) {
		struct subject *s = &race->subjects[t];

		s->ops->free_table(s->table);
		bench_samples_fini(&s->hit);
		bench_samples_fini(&s->miss);
		bench_samples_fini(&s->hit_repeats);
		bench_samples_fini(&s->miss_repeats);
	}
	free(race->order);
	free(race);
}

int bench_lookup(int argc, char **argv)
{
	struct options o = {.takes = "streams seconds repeats json",
		.n_streams = 5,
		.streams = {1000, 10000, 100000, 200000, 1000000},
		.repeats = 5,
		.seconds = 0.5};
	int rc = options_read(&o, argc, argv, about);
	json_t *result;

	if (rc >= 0)
		return rc;
	result = result_new("lookup", argc, argv);
	bench_print_machine();
	printf("\none reading core; no port; with a writer: %u streams taken out and put back\n"
	       "%-9s %8s %-6s %8s %8s %8s %12s\n",
		CHURN, "table", "streams", "writer", "ns", "M/s", "ns miss", "writes/s");
	rcu_register_thread();
	for (unsigned i = 0; i < o.n_streams; i++) {
		if (o.streams[i] + CHURN > LOOKUP_STREAMS_MAX)
			bench_fail("--streams: at most %u", LOOKUP_STREAMS_MAX - CHURN);
		struct race *race = race_new(o.streams[i]);

		measure(race, false, &o, result);
		measure(race, true, &o, result);
		race_free(race);
	}
	rcu_unregister_thread();
	return result_end(result, o.json);
}
