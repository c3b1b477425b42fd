// SPDX-License-Identifier: BSD-3-Clause
// Stage of mode io: whatever came leaves by the other port as it is. Workers.
#include "engine/latency.h"
#include "engine/stage.h"
#include "engine/worker_port.h"

void stage_io(struct worker *w, struct packet_batch *batch)
{
	enum packet_side out = batch->side == SIDE_WIRE ? SIDE_HOST : SIDE_WIRE;
	enum worker_role role = out == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST;
	struct rte_mbuf *mbufs[PACKET_BURST];
	unsigned sent;

	for (unsigned i = 0; i < batch->n; i++)
		mbufs[i] = batch->packets[i].mbuf;
	sent = worker_port_send(w, role, (uint16_t)w->index, mbufs, (uint16_t)batch->n);
	counter_add(&w->counters.tx[out], sent);
	latency_sent(w, out, batch->now, sent);
	counter_add(&w->counters.unsent[out], batch->n - sent);
	for (unsigned i = sent; i < batch->n; i++)
		worker_drop(w, mbufs[i], worker_port_refused(w, role, DROP_TX_FULL));
	batch->n = 0;
}
