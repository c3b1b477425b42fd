// SPDX-License-Identifier: BSD-3-Clause
// Between the stages: packets that do not go on are dropped and counted, or given to the kernel,
// the control thread or the worker that owns the stream. Workers.
#include "engine/stage.h"
#include "engine/trace.h"

#include <rte_ethdev.h>

// Where a kernel is behind the wire port: collected, sent at the end of the burst. A tag of our own
// VLAN comes off: the kernel's interface stands in that VLAN.
static void give_kernel(struct worker *w, const struct packet *p)
{
	if (w->shared->vlan != 0 && p->parse.vlan == w->shared->vlan)
		rte_vlan_strip(p->mbuf);
	w->local[w->n_local++] = p->mbuf;
}

static void give_control(struct worker *w, enum packet_side side, const struct packet *p)
{
	if (p->parse.kind != PARSE_ARP && p->parse.kind != PARSE_ICMP) {
		worker_drop(
			w, p->mbuf, p->parse.kind == PARSE_UDP ? DROP_NO_SESSION : DROP_NOT_OURS);
		return;
	}
	p->mbuf->port = w->shared->port[side == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST];
	if (rte_ring_enqueue(w->shared->to_control, p->mbuf) != 0)
		worker_drop(w, p->mbuf, DROP_CONTROL_FULL);
}

static void give_owner(struct worker *w, enum packet_side side, const struct packet *p)
{
	uint32_t owner = __atomic_load_n(&p->stream->state->owner, __ATOMIC_ACQUIRE);

	p->mbuf->port = w->shared->port[side == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST];
	if (rte_ring_enqueue(w->shared->workers[owner - 1].handover, p->mbuf) != 0)
		worker_drop(w, p->mbuf, DROP_HANDOVER_FULL);
	else
		counter_add(&w->counters.handed_over, 1);
}

static void drop(struct worker *w, const struct packet *p)
{
	worker_drop(w, p->mbuf, p->verdict);
	// Another worker's counters are not ours to write
	if (p->stream &&
		__atomic_load_n(&p->stream->state->owner, __ATOMIC_RELAXED) == worker_owner(w))
		counter_add(&p->stream->state->dropped, 1);
}

static void dispose(struct worker *w, enum packet_side side, const struct packet *p)
{
	if (unlikely(w->tracing))
		trace_dispose(w, side, p);
	if (p->verdict == VERDICT_HANDOVER)
		give_owner(w, side, p);
	else if (p->verdict != VERDICT_LOCAL)
		drop(w, p);
	else if (side == SIDE_WIRE && w->shared->has_exception)
		give_kernel(w, p);
	else
		give_control(w, side, p);
}

void stage_dispose(struct worker *w, struct packet_batch *batch)
{
	unsigned good = 0;

	for (unsigned i = 0; i < batch->n; i++) {
		if (batch->packets[i].verdict != VERDICT_GO) {
			dispose(w, batch->side, &batch->packets[i]);
			continue;
		}
		if (good != i)
			batch->packets[good] = batch->packets[i];
		good++;
	}
	batch->n = good;
}
