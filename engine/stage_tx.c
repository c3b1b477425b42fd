// SPDX-License-Identifier: BSD-3-Clause
// Stage: the burst leaves by the other side. Workers.
#include "engine/latency.h"
#include "engine/stage.h"
#include "engine/worker_port.h"

void stage_count(const struct packet *p, enum packet_side from)
{
	struct stream_state *state = p->stream->state;

	if (p->rtcp) {
		counter_add(&state->rtcp_packets, 1);
		return;
	}
	counter_add(&state->packets, 1);
	// Without the tag: what came in to the host side, what goes out of it
	counter_add(&state->bytes, from == SIDE_HOST ? p->parse.length : p->length);
}

void stage_tx(struct worker *w, struct packet_batch *batch)
{
	enum packet_side out = batch->side == SIDE_WIRE ? SIDE_HOST : SIDE_WIRE;
	enum worker_role role = out == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST;
	struct rte_mbuf *mbufs[PACKET_BURST];
	unsigned sent;

	if (batch->n == 0)
		return;
	for (unsigned i = 0; i < batch->n; i++)
		mbufs[i] = batch->packets[i].mbuf;
	sent = worker_port_send(w, role, (uint16_t)w->index, mbufs, (uint16_t)batch->n);
	counter_add(&w->counters.tx[out], sent);
	latency_sent(w, out, batch->now, sent);
	for (unsigned i = 0; i < sent; i++)
		stage_count(&batch->packets[i], batch->side);
	if (likely(sent == batch->n))
		return;
	counter_add(&w->counters.unsent[out], batch->n - sent);
	for (unsigned i = sent; i < batch->n; i++)
		batch->packets[i].verdict = worker_port_refused(w, role, DROP_TX_FULL);
	memmove(batch->packets, batch->packets + sent, (batch->n - sent) * sizeof(struct packet));
	batch->n -= sent;
	stage_dispose(w, batch);
}
