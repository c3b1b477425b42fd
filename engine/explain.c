// SPDX-License-Identifier: BSD-3-Clause
// Samples of packets that did not authenticate: taken on workers, looked into on the control
// thread. Packets go by a ring of copies, so that nothing waits for anything.
#include "engine/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/burst.h"
#include "crypto/trial.h"
#include "engine/base/log.h"
#include "engine/core.h"

#define RING	   16
#define BYTES_MAX  1600 // a longer packet is not tried
#define KEY_UNUSED (1ull << 48)

const char *const explain_names[EXPLAIN_COUNT] = {
#define X(name, text, help) [EXPLAIN_##name] = text,
	EXPLAIN_LIST(X)
#undef X
};

const char *const explain_helps[EXPLAIN_COUNT] = {
#define X(name, text, help) [EXPLAIN_##name] = help,
	EXPLAIN_LIST(X)
#undef X
};

struct sample {
	uint64_t tsc;
	uint64_t index; // guessed
	uint64_t good_tsc;
	uint32_t session;
	uint32_t ssrc;
	uint32_t good_ssrc;
	uint16_t seq, good_seq;
	uint16_t length; // 0: no bytes of the packet are here
	uint8_t any_good;
	uint8_t key_used; // packets have passed with the key
	uint8_t data[BYTES_MAX];
};
static_assert(sizeof(struct sample) % 4 == 0, "an element of a ring");

// ---- workers

void explain_allow(struct worker *w, uint64_t now)
{
	w->explain_next = now + w->shared->tsc_hz;
	w->explain_left = EXPLAIN_PER_SECOND;
	burst_keep_failed(EXPLAIN_PER_SECOND);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void explain_take(struct worker *w, uint64_t now, const struct packet *p, bool kept)
{
	const struct stream_state *state = p->stream->state;
	const uint8_t *data = packet_payload(p);
	struct sample s;

	if (w->explain_left == 0)
		return;
	w->explain_left--;
	s = (struct sample){.tsc = now,
		.session = p->stream->session,
		.ssrc = be32(data + 8),
		.seq = (uint16_t)(data[2] << 8 | data[3]),
		.any_good = counter_get(&state->packets) > 0,
		.good_ssrc = state->reception.ssrc,
		.good_seq = (uint16_t)state->reception.highest,
		.good_tsc = counter_get(&state->last_tsc),
		.key_used = context_packets_left(p->stream->context, 0) < KEY_UNUSED};
	s.index = trial_index(p->stream->context, s.ssrc, s.seq);
	if (kept && p->parse.length <= sizeof(s.data)) {
		s.length = p->parse.length;
		memcpy(s.data, data, s.length);
	}
	rte_ring_sp_enqueue_elem(w->explain, &s, sizeof(s)); // full: the control thread has enough
}

// ---- rings

int explain_init_all(struct worker_shared *shared)
{
	for (unsigned i = 0; i < shared->n_workers; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "crowfly_explain_%u", i);
		shared->workers[i].explain = rte_ring_create_elem(name, sizeof(struct sample), RING,
			SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!shared->workers[i].explain)
			return -ENOMEM;
	}
	return 0;
}

void explain_fini_all(struct worker_shared *shared)
{
	for (unsigned i = 0; i < shared->n_workers; i++) {
		rte_ring_free(shared->workers[i].explain);
		shared->workers[i].explain = NULL;
	}
}

// ---- trials

static int try(const struct context *ctx, const struct sample *s, int64_t rounds)
{
	uint8_t copy[BYTES_MAX];
	uint64_t roc = s->index >> 16;
	int passes;

	if ((rounds < 0 && roc < (uint64_t)-rounds) || roc + rounds > UINT32_MAX)
		return 0;
	if (s->length == 0)
		return -1;
	memcpy(copy, s->data, s->length);
	passes = trial_passes(ctx, copy, s->length, s->index + (uint64_t)rounds * 65536);
	explicit_bzero(copy, sizeof(copy)); // if it passed, it was deciphered
	return passes < 0 ? -1 : passes;
}

static enum explain_cause find_cause(
	const struct context *ctx, const struct sample *s, struct explain *e)
{
	int64_t roc = (int64_t)(s->index >> 16);

	e->more = (int8_t)try(ctx, s, 1);
	e->fewer = (int8_t)try(ctx, s, -1);
	if (e->more < 0)
		return EXPLAIN_UNKNOWN;
	if (e->more)
		return EXPLAIN_ROC_AHEAD;
	if (e->fewer)
		return EXPLAIN_ROC_BEHIND;
	if (try(ctx, s, 0))
		return EXPLAIN_KEY_CHANGED;
	if (roc > 1 && try(ctx, s, -roc))
		return EXPLAIN_ROC_ZERO;
	return s->key_used ? EXPLAIN_DAMAGED : EXPLAIN_WRONG_KEY;
}

// ---- what is remembered

struct explain_table {
	struct explain entries[EXPLAIN_SESSIONS];
};

struct explain_table *explain_table_new(void)
{
	return calloc(1, sizeof(struct explain_table));
}

void explain_table_free(struct explain_table *table)
{
	free(table);
}

const struct explain *explain_of(const struct explain_table *table, uint32_t session)
{
	const struct explain *e = &table->entries[session % EXPLAIN_SESSIONS];

	return e->samples > 0 && e->session == session ? e : NULL;
}

static void tell(const struct explain *e)
{
	log_rare(LOG_WARNING,
		"session %u: a packet did not authenticate: SSRC 0x%08x, sequence number %u, "
		"rollover counter taken for %u: %s",
		e->session, e->ssrc, e->seq, (uint32_t)(e->index >> 16), explain_helps[e->cause]);
}

static void look_into(struct engine *engine, const struct sample *s)
{
	const struct session *session = session_table_find(&engine->sessions, s->session);
	struct explain *e = &engine->explain->entries[s->session % EXPLAIN_SESSIONS];

	if (!session)
		return;
	if (e->session != s->session)
		*e = (struct explain){.session = s->session};
	e->tsc = s->tsc;
	e->ssrc = s->ssrc;
	e->seq = s->seq;
	e->index = s->index;
	e->any_good = s->any_good;
	e->good_ssrc = s->good_ssrc;
	e->good_seq = s->good_seq;
	e->good_tsc = s->good_tsc;
	e->cause = find_cause(session->rx->context, s, e);
	e->causes[e->cause]++;
	e->samples++;
	tell(e);
}

void explain_tick(struct engine *engine)
{
	struct sample s;

	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		while (rte_ring_sc_dequeue_elem(engine->shared.workers[i].explain, &s, sizeof(s)) ==
			0)
			look_into(engine, &s);
}
