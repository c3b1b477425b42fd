// SPDX-License-Identifier: BSD-3-Clause
// Follows the packets of a batch through the stages. Workers; a batch that is not traced comes here
// not once.
#include "engine/trace.h"

#include <string.h>

#include "engine/stage.h"
#include "pktio/demux.h"

// A packet of the batch under way.
struct entry {
	const struct rte_mbuf *mbuf; // to compare, not to look into: it may be gone
	bool live;		     // on its way
	bool ended;		     // what became of it is known
	struct trace_record record;
};

struct trace_batch {
	struct trace *trace;
	enum packet_side side;
	uint64_t begin;
	unsigned n;
	struct entry entries[PACKET_BURST];
};

size_t trace_batch_bytes(void)
{
	return sizeof(struct trace_batch);
}

static struct entry *find(struct trace_batch *t, const struct rte_mbuf *mbuf)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->entries[i].live && t->entries[i].mbuf == mbuf)
			return &t->entries[i];
	return NULL;
}

static void begin(struct entry *e, const struct rte_mbuf *mbuf)
{
	memset(e, 0, offsetof(struct entry, record.steps));
	e->mbuf = mbuf;
	e->live = true;
	e->record.bytes = rte_pktmbuf_pkt_len(mbuf);
}

void trace_begin(struct worker *w, const struct packet_batch *batch)
{
	struct trace *trace = __atomic_load_n(&w->shared->trace, __ATOMIC_ACQUIRE);
	struct trace_batch *t;

	if (!trace || __atomic_load_n(&trace->armed, __ATOMIC_RELAXED) <= 0)
		return;
	t = trace->batches[w->index];
	t->trace = trace;
	t->side = batch->side;
	t->begin = batch->now;
	t->n = batch->n;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct rte_mbuf *mbuf = batch->packets[i].mbuf;

		begin(&t->entries[i], mbuf);
		t->entries[i].record.worker = (uint16_t)w->index;
		t->entries[i].record.side = (uint8_t)batch->side;
		t->entries[i].record.tsc = batch->now;
	}
	w->tracing = t;
}

// ---- what is noted of a packet

static void note_media(struct trace_record *r, const struct packet *p)
{
	const uint8_t *data = packet_payload(p);
	enum demux_kind kind;

	if (p->parse.kind != PARSE_UDP || p->parse.length < sizeof(r->media) ||
		p->parse.payload + sizeof(r->media) > p->mbuf->data_len)
		return;
	kind = demux_classify(data, p->parse.length);
	if (kind != DEMUX_RTP && kind != DEMUX_RTCP)
		return;
	r->rtcp = kind == DEMUX_RTCP;
	r->n_media = r->rtcp ? 8 : 12;
	memcpy(r->media, data, r->n_media);
}

static void note(struct trace_record *r, const struct packet *p)
{
	if (!r->parsed) {
		r->parsed = true;
		r->parse = p->parse;
		note_media(r, p);
	}
	if (p->stream)
		r->session = p->stream->session;
}

static void add_step(struct trace_record *r, enum stage_id stage, unsigned packets, uint64_t cycles)
{
	if (r->n_steps < TRACE_STEPS_MAX)
		r->steps[r->n_steps++] = (struct trace_step){
			.stage = (uint8_t)stage,
			.packets = (uint8_t)packets,
			.cycles = cycles < UINT32_MAX ? (uint32_t)cycles : UINT32_MAX,
		};
}

// ---- what becomes of it

void trace_dispose(struct worker *w, enum packet_side side, const struct packet *p)
{
	struct entry *e = find(w->tracing, p->mbuf);

	if (!e)
		return;
	note(&e->record, p);
	e->ended = true;
	e->record.end = TRACE_END_CONTROL;
	if (p->verdict == VERDICT_HANDOVER) {
		e->record.end = TRACE_END_HANDOVER;
		e->record.owner =
			(uint16_t)(__atomic_load_n(&p->stream->state->owner, __ATOMIC_RELAXED) - 1);
	} else if (side == SIDE_WIRE && w->shared->has_exception) {
		e->record.end = TRACE_END_KERNEL;
	}
}

void trace_drop(struct worker *w, const struct rte_mbuf *mbuf, enum drop_reason reason)
{
	struct trace_batch *t = w->tracing;

	// It may have left the stages before: for the kernel
	for (unsigned i = 0; i < t->n; i++) {
		struct entry *e = &t->entries[i];

		if (e->mbuf != mbuf)
			continue;
		e->ended = true;
		e->record.end = TRACE_END_DROPPED;
		e->record.reason = (uint8_t)reason;
		return;
	}
}

// It has left the batch without a verdict: the stage took it.
static void taken(struct entry *e, enum stage_id stage, enum packet_side out)
{
	e->live = false;
	if (e->ended)
		return;
	e->ended = true;
	e->record.end = stage == STAGE_tx || stage == STAGE_io ? TRACE_END_SENT : TRACE_END_ENDED;
	e->record.out = (uint8_t)out;
}

void trace_stage(struct worker *w, const struct packet_batch *batch, enum stage_id stage,
	unsigned n, uint64_t now)
{
	enum packet_side out = batch->side == SIDE_WIRE ? SIDE_HOST : SIDE_WIRE;
	struct trace_batch *t = w->tracing;
	bool there[PACKET_BURST] = {false};

	// A batch keeps its order
	for (unsigned i = 0, at = 0; i < batch->n && stage != STAGE_tx; i++) {
		while (at < t->n && t->entries[at].mbuf != batch->packets[i].mbuf)
			at++;
		if (at == t->n)
			break;
		there[at] = true;
		note(&t->entries[at].record, &batch->packets[i]);
	}
	for (unsigned i = 0; i < t->n; i++) {
		struct entry *e = &t->entries[i];

		if (!e->live)
			continue;
		add_step(&e->record, stage, n, now - t->begin);
		if (!there[i])
			taken(e, stage, out);
	}
}

// ---- records

static uint32_t ssrc_of(const struct trace_record *r)
{
	const uint8_t *p = r->media + (r->rtcp ? 4 : 8);

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool matches(const struct trace_filter *f, const struct trace_record *r)
{
	switch (f->kind) {
	case TRACE_SESSION:
		return r->session != 0 && r->session == f->value;
	case TRACE_SSRC:
		return r->n_media > 0 && ssrc_of(r) == f->value;
	default:
		return r->end == TRACE_END_DROPPED &&
		       (f->value == TRACE_ANY || f->value == r->reason);
	}
}

// Takes one of the packets that the filter wants.
static bool take(struct trace *trace, struct trace_filter *f)
{
	int32_t left = __atomic_load_n(&f->left, __ATOMIC_RELAXED);

	if (left <= 0)
		return false;
	left = __atomic_fetch_sub(&f->left, 1, __ATOMIC_RELAXED);
	if (left == 1)
		__atomic_fetch_sub(&trace->armed, 1, __ATOMIC_RELAXED);
	return left > 0;
}

static void keep(struct trace *trace, struct trace_record *record)
{
	unsigned n = __atomic_load_n(&trace->n_filters, __ATOMIC_ACQUIRE), slot;

	for (unsigned i = 0; i < n; i++) {
		if (!matches(&trace->filters[i], record) || !take(trace, &trace->filters[i]))
			continue;
		slot = __atomic_fetch_add(&trace->used, 1, __ATOMIC_RELAXED);
		record->filter = (uint8_t)i;
		record->ready = 0;
		trace->records[slot] = *record;
		__atomic_store_n(&trace->records[slot].ready, 1, __ATOMIC_RELEASE);
		return;
	}
}

void trace_finish(struct worker *w)
{
	struct trace_batch *t = w->tracing;

	for (unsigned i = 0; i < t->n; i++)
		keep(t->trace, &t->entries[i].record);
	w->tracing = NULL;
}
