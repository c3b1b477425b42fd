// SPDX-License-Identifier: BSD-3-Clause
// What the generator's sessions have sent and received. Control thread; read while packets flow.
#include <string.h>

#include "engine/core.h"
#include "engine/gen_private.h"

struct sums {
	struct gen_counts counts;
	double jitter_us, jitter_max_us;
	unsigned receiving;
};

static void add_sent(const struct stream_state *state, struct gen_counts *sum)
{
	sum->sent += counter_get(&state->packets);
	sum->dropped += counter_get(&state->dropped);
}

static void add_received(const struct stream_state *state, struct sums *sums)
{
	double jitter_us = reception_jitter_us(&state->reception);
	uint64_t packets = counter_get(&state->packets);

	sums->counts.received += packets;
	sums->counts.lost += reception_lost(&state->reception);
	sums->counts.out_of_order += counter_get(&state->reception.out_of_order);
	sums->counts.auth_failed += counter_get(&state->auth_failed);
	sums->counts.replayed += counter_get(&state->replayed);
	sums->counts.dropped += counter_get(&state->dropped);
	if (packets == 0)
		return;
	sums->receiving++;
	sums->jitter_us += jitter_us;
	if (jitter_us > sums->jitter_max_us)
		sums->jitter_max_us = jitter_us;
}

static void sum_up(const struct engine *engine, const struct gen *gen, struct sums *sums)
{
	memset(sums, 0, sizeof(*sums));
	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		const struct worker_counters *c = &engine->shared.workers[i].counters;

		sums->counts.generated += counter_get(&c->generated);
		sums->counts.late += counter_get(&c->late);
	}
	for (unsigned i = 0; i < gen->n_ids; i++) {
		const struct session *s = session_table_find(&engine->sessions, gen->ids[i]);

		if (!s) // removed by somebody else
			continue;
		add_sent(s->tx->state, &sums->counts);
		add_received(s->rx->state, sums);
	}
}

void gen_reset(struct engine *engine)
{
	struct gen *gen = engine->gen;
	struct sums sums;

	if (!gen)
		return;
	sum_up(engine, gen, &sums);
	gen->base = sums.counts;
}

// Not below 0: a session may have gone since.
static uint64_t since(uint64_t now, uint64_t base)
{
	return now > base ? now - base : 0;
}

static void subtract(struct gen_counts *now, const struct gen_counts *base)
{
	now->generated = since(now->generated, base->generated);
	now->late = since(now->late, base->late);
	now->sent = since(now->sent, base->sent);
	now->received = since(now->received, base->received);
	now->lost -= base->lost;
	now->out_of_order = since(now->out_of_order, base->out_of_order);
	now->auth_failed = since(now->auth_failed, base->auth_failed);
	now->replayed = since(now->replayed, base->replayed);
	now->dropped = since(now->dropped, base->dropped);
}

static enum gen_state state_of(const struct engine *engine, const struct gen *gen)
{
	if (gen->key)
		return GEN_ADDING;
	if (!fwd_is_running(engine) || engine->shared.fwd.mode != FWD_gen)
		return GEN_STOPPED;
	return template_ready(&gen->nexthop->headers) ? GEN_SENDING : GEN_NO_NEXTHOP;
}

void gen_get(struct engine *engine, struct gen_info *info)
{
	const struct gen *gen = engine->gen;
	struct sums sums;

	memset(info, 0, sizeof(*info));
	if (!gen)
		return;
	sum_up(engine, gen, &sums);
	info->state = state_of(engine, gen);
	info->params = gen->params;
	info->params.traffic = gen->traffic;
	info->next = gen->next;
	info->own_secret = gen->own_secret;
	info->loop = gen->loop;
	info->added = gen->loop ? gen->n_ids / 2 : gen->n_ids;
	info->counts = sums.counts;
	subtract(&info->counts, &gen->base);
	info->jitter_us = sums.receiving ? sums.jitter_us / sums.receiving : 0;
	info->jitter_max_us = sums.jitter_max_us;
}
