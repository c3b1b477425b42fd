// SPDX-License-Identifier: BSD-3-Clause
// Samples of the workers' counters, a ring of them, and what changed since. Control thread; the
// workers count on meanwhile.
#include "engine/observe.h"

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#define SAMPLES (OBSERVE_SECONDS + 1)

// What is looked at of a worker.
struct figures {
	uint64_t rx, tx, generated, batches, iterations, sleeps;
	struct stage_counters stages[STAGE_COUNT];
	uint64_t drops[DROP_COUNT];
};

struct observe {
	const struct worker_shared *shared;
	unsigned n; // samples there are
	unsigned next;
	uint64_t tsc[SAMPLES];
	struct figures *samples[SAMPLES]; // of each worker
	uint64_t *released;		  // streams that each worker owned
	uint64_t cleared_tsc;
	uint64_t cleared[DROP_COUNT]; // what all workers had counted then
};

const char *const observe_state_names[] = {
	[OBSERVE_POLLING] = "polling",
	[OBSERVE_SLEEPING] = "sleeping",
	[OBSERVE_STUCK] = "stuck",
	[OBSERVE_STOPPED] = "stopped",
};

// ---- samples

static void read_stage(struct stage_counters *out, const struct stage_counters *c)
{
	out->packets = counter_get(&c->packets);
	out->batches = counter_get(&c->batches);
	out->cycles = counter_get(&c->cycles);
}

static void read_worker(struct figures *f, const struct worker *w)
{
	const struct worker_counters *c = &w->counters;

	f->rx = counter_get(&c->rx[SIDE_WIRE]) + counter_get(&c->rx[SIDE_HOST]);
	f->tx = counter_get(&c->tx[SIDE_WIRE]) + counter_get(&c->tx[SIDE_HOST]);
	f->generated = counter_get(&c->generated);
	f->batches = counter_get(&w->batches);
	f->iterations = counter_get(&c->iterations);
	f->sleeps = counter_get(&c->sleeps);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		read_stage(&f->stages[i], &w->stages[i]);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		f->drops[i] = counter_get(&c->drops[i]);
}

static unsigned oldest(const struct observe *o)
{
	return (o->next + SAMPLES - o->n) % SAMPLES;
}

static const struct figures *before(const struct observe *o, unsigned worker)
{
	return &o->samples[oldest(o)][worker];
}

void observe_sample(struct observe *o)
{
	o->tsc[o->next] = rte_rdtsc();
	for (unsigned i = 0; i < o->shared->n_workers; i++)
		read_worker(&o->samples[o->next][i], &o->shared->workers[i]);
	o->next = (o->next + 1) % SAMPLES;
	if (o->n < SAMPLES)
		o->n++;
}

static double seconds_since(const struct observe *o, uint64_t tsc)
{
	return (double)(rte_rdtsc() - tsc) / (double)o->shared->tsc_hz;
}

double observe_interval_s(const struct observe *o)
{
	return seconds_since(o, o->tsc[oldest(o)]);
}

// ---- life

struct observe *observe_new(const struct worker_shared *shared)
{
	struct observe *o = calloc(1, sizeof(*o));
	bool complete = true;

	if (!o)
		return NULL;
	o->shared = shared;
	o->released = calloc(shared->n_workers, sizeof(*o->released));
	for (unsigned i = 0; i < SAMPLES; i++) {
		o->samples[i] = calloc(shared->n_workers, sizeof(*o->samples[i]));
		complete = complete && o->samples[i];
	}
	if (!complete || !o->released) {
		observe_free(o);
		return NULL;
	}
	o->cleared_tsc = rte_rdtsc();
	observe_sample(o);
	return o;
}

void observe_free(struct observe *o)
{
	if (!o)
		return;
	for (unsigned i = 0; i < SAMPLES; i++)
		free(o->samples[i]);
	free(o->released);
	free(o);
}

// ---- workers

void observe_released(struct observe *o, uint32_t owner)
{
	if (owner != STREAM_UNOWNED)
		o->released[owner - 1]++;
}

// Since the sample before the last, which is a second old at least.
static enum observe_state state_of(
	const struct observe *o, const struct worker *w, const struct figures *now)
{
	unsigned sample = (o->next + SAMPLES - (o->n > 1 ? 2 : 1)) % SAMPLES;
	const struct figures *then = &o->samples[sample][w->index];

	if (!w->running)
		return OBSERVE_STOPPED;
	if (o->n > 1 && now->iterations == then->iterations)
		return OBSERVE_STUCK;
	return now->sleeps > then->sleeps ? OBSERVE_SLEEPING : OBSERVE_POLLING;
}

static double share(double part, double whole)
{
	return whole > 0 ? part / whole : -1;
}

// Cycles of all stages, and of a packet that goes through them.
static void add_cycles(const struct figures *then, const struct figures *now, double *cycles,
	double *cycles_per_packet)
{
	uint64_t packets = now->stages[STAGE_rx].packets - then->stages[STAGE_rx].packets +
			   now->stages[STAGE_generate].packets -
			   then->stages[STAGE_generate].packets;

	*cycles = 0;
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		*cycles += (double)(now->stages[i].cycles - then->stages[i].cycles);
	*cycles_per_packet = share(*cycles, (double)packets);
}

void observe_worker_get(const struct observe *o, unsigned index, struct observe_worker *out)
{
	const struct worker_shared *shared = o->shared;
	const struct worker *w = &shared->workers[index];
	const struct figures *then = before(o, index);
	struct figures now;
	double cycles, elapsed = observe_interval_s(o), packets;

	read_worker(&now, w);
	packets = (double)(now.rx - then->rx + now.generated - then->generated);
	out->lcore = w->on_lcore ? (int)w->lcore : -1;
	out->socket = (int)(w->on_lcore ? rte_lcore_to_socket_id(w->lcore) : rte_socket_id());
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		out->queues[role] = index < shared->rx_queues[role] ? (int)index : -1;
	out->state = state_of(o, w, &now);
	out->streams = counter_get(&w->counters.claimed) - o->released[index];
	out->rx_packets = now.rx;
	out->tx_packets = now.tx;
	out->rx_per_s = (double)(now.rx - then->rx) / elapsed;
	out->packets_per_batch = share(packets, (double)(now.batches - then->batches));
	add_cycles(then, &now, &cycles, &out->cycles_per_packet);
	// One batch in so many was timed
	out->busy_percent = 100 * cycles * STAGE_SAMPLE / (elapsed * (double)shared->tsc_hz);
	if (out->busy_percent > 100)
		out->busy_percent = 100;
}

// ---- stages

static void add_stage(struct stage_counters *sum, const struct stage_counters *now,
	const struct stage_counters *then)
{
	sum->packets += now->packets - then->packets;
	sum->batches += now->batches - then->batches;
	sum->cycles += now->cycles - then->cycles;
}

void observe_stage_get(const struct observe *o, enum stage_id id, struct observe_stage *out)
{
	static const struct stage_counters none;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < o->shared->n_workers; i++) {
		struct stage_counters now;

		read_stage(&now, &o->shared->workers[i].stages[id]);
		add_stage(&out->total, &now, &none);
		add_stage(&out->recent, &now, &before(o, i)->stages[id]);
	}
}

// ---- drops

static uint64_t count_drops(const struct observe *o, enum drop_reason reason)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < o->shared->n_workers; i++)
		sum += counter_get(&o->shared->workers[i].counters.drops[reason]);
	return sum;
}

void observe_drop_get(const struct observe *o, enum drop_reason reason, struct observe_drop *out)
{
	uint64_t now = count_drops(o, reason), then = 0;

	for (unsigned i = 0; i < o->shared->n_workers; i++)
		then += before(o, i)->drops[reason];
	out->packets = now - o->cleared[reason];
	out->per_s = (double)(now - then) / observe_interval_s(o);
}

void observe_drops_clear(struct observe *o)
{
	for (unsigned i = 0; i < DROP_COUNT; i++)
		o->cleared[i] = count_drops(o, (enum drop_reason)i);
	o->cleared_tsc = rte_rdtsc();
}

double observe_drops_since_s(const struct observe *o)
{
	return seconds_since(o, o->cleared_tsc);
}
