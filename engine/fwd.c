// SPDX-License-Identifier: BSD-3-Clause
// Starts, stops and counts the forwarding of packets. Control thread.
#include "engine/fwd.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/core.h"
#include "engine/gen.h"
#include "engine/rcu.h"

const char *const fwd_names[FWD_COUNT] = {
#define X(name, help) [FWD_##name] = #name,
	FWD_LIST(X)
#undef X
};

const char *const fwd_helps[FWD_COUNT] = {
#define X(name, help) [FWD_##name] = help,
	FWD_LIST(X)
#undef X
};

static_assert(FWD_WORKERS_MAX == ENGINE_WORKERS_MAX && FWD_PORTS == ROLE_COUNT,
	"there are counts of each worker and port");

// ---- start and stop

static void publish(struct engine *engine, struct fwd_setting setting)
{
	__atomic_store(&engine->shared.fwd, &setting, __ATOMIC_RELEASE);
}

void fwd_init(struct engine *engine)
{
	engine->fwd.next = (struct fwd_setting){FWD_direct, false, PACKET_BURST};
	publish(engine, engine->fwd.next);
	engine->fwd.base.tsc = rte_rdtsc();
}

bool fwd_is_running(const struct engine *engine)
{
	return !engine->shared.fwd.stopped;
}

static void release(struct engine *engine, struct stream_state *state)
{
	observe_released(engine->observe,
		__atomic_exchange_n(&state->owner, STREAM_UNOWNED, __ATOMIC_ACQ_REL));
}

// The modes give the directions of a session to workers in different ways. No worker runs.
static void release_streams(struct engine *engine)
{
	for (struct session *s = engine->sessions.first; s; s = s->next) {
		release(engine, s->rx->state);
		release(engine, s->tx->state);
	}
}

int fwd_start(struct engine *engine)
{
	struct fwd_setting setting = engine->fwd.next;

	if (fwd_is_running(engine))
		return -EALREADY;
	if (setting.mode == FWD_gen && !engine->shared.gen)
		return -ENOENT;
	if (setting.mode != engine->shared.fwd.mode)
		release_streams(engine);
	setting.stopped = false;
	gen_begin(engine);
	publish(engine, setting);
	fwd_clear(engine);
	return 0;
}

int fwd_stop(struct engine *engine)
{
	struct fwd_setting setting = engine->shared.fwd;

	if (!fwd_is_running(engine))
		return -EALREADY;
	setting.stopped = true;
	publish(engine, setting);
	synchronize_rcu(); // each worker has come to the end of its turn
	engine->fwd.stopped_tsc = rte_rdtsc();
	return 0;
}

void fwd_set(struct engine *engine, const struct fwd_setting *setting)
{
	engine->fwd.next = *setting;
}

// ---- statistics

static void count_worker(const struct worker *w, struct fwd_worker_counts *out,
	struct fwd_port_counts ports[FWD_PORTS])
{
	const struct worker_counters *c = &w->counters;
	uint64_t from_kernel = counter_get(&c->from_kernel), to_kernel = counter_get(&c->to_kernel);

	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
		struct fwd_port_counts *port = &ports[side == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST];
		uint64_t rx = counter_get(&c->rx[side]), tx = counter_get(&c->tx[side]);

		port->rx += rx;
		port->tx += tx;
		port->unsent += counter_get(&c->unsent[side]);
		out->rx += rx;
		out->tx += tx;
	}
	ports[ROLE_WIRE].tx += from_kernel;
	ports[ROLE_EXCEPTION].rx += from_kernel;
	ports[ROLE_EXCEPTION].tx += to_kernel;
	out->sunk = counter_get(&c->sunk);
	out->generated = counter_get(&c->generated);
	out->late = counter_get(&c->late);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		out->dropped += counter_get(&c->drops[i]);
	out->timed_packets = counter_get(&w->stages[STAGE_rx].packets) +
			     counter_get(&w->stages[STAGE_generate].packets);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		out->timed_cycles += counter_get(&w->stages[i].cycles);
}

static void count(struct engine *engine, struct fwd_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	counts->tsc = rte_rdtsc();
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		count_worker(&engine->shared.workers[i], &counts->workers[i], counts->ports);
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		struct port_stats stats;

		if (!engine->ports[role].device)
			continue;
		port_stats_get(&engine->ports[role], &stats);
		counts->ports[role].rx_missed = stats.rx_missed;
	}
}

// All counts are 64 bits wide.
static void subtract(void *from, const void *what, size_t size)
{
	uint64_t *a = from;
	const uint64_t *b = what;

	for (size_t i = 0; i < size / sizeof(*a); i++)
		a[i] -= b[i];
}

void fwd_clear(struct engine *engine)
{
	gen_reset(engine);
	count(engine, &engine->fwd.base);
	engine->fwd.seconds[0] = engine->fwd.seconds[1] = engine->fwd.base;
}

void fwd_second(struct engine *engine)
{
	engine->fwd.seconds[1] = engine->fwd.seconds[0];
	count(engine, &engine->fwd.seconds[0]);
}

// Makes counts of some time those of a second.
static void per_second(void *counts, size_t size, uint64_t tsc, uint64_t tsc_hz)
{
	uint64_t *n = counts;

	for (size_t i = 0; i < size / sizeof(*n); i++)
		n[i] = tsc ? (uint64_t)((double)n[i] * (double)tsc_hz / (double)tsc + 0.5) : 0;
}

void fwd_stats_get(struct engine *engine, struct fwd_stats *stats)
{
	const struct fwd *fwd = &engine->fwd;
	uint64_t hz = engine->shared.tsc_hz, end;
	struct fwd_counts second = fwd->seconds[0];

	count(engine, &stats->counts);
	end = fwd_is_running(engine) ? stats->counts.tsc : fwd->stopped_tsc;
	subtract(&stats->counts, &fwd->base, sizeof(fwd->base));
	stats->elapsed_us = end > fwd->base.tsc
				    ? (uint64_t)((double)(end - fwd->base.tsc) * 1e6 / (double)hz)
				    : 0;
	subtract(&second, &fwd->seconds[1], sizeof(second));
	memcpy(stats->ports_per_s, second.ports, sizeof(second.ports));
	memcpy(stats->workers_per_s, second.workers, sizeof(second.workers));
	per_second(stats->ports_per_s, sizeof(second.ports), second.tsc, hz);
	per_second(stats->workers_per_s, sizeof(second.workers), second.tsc, hz);
}
