// SPDX-License-Identifier: BSD-3-Clause
// Stages of the modes in which packets end here: counted, then freed. Workers.
#include "engine/stage.h"

void stage_free(struct worker *w, struct packet_batch *batch)
{
	struct rte_mbuf *mbufs[PACKET_BURST];

	for (unsigned i = 0; i < batch->n; i++)
		mbufs[i] = batch->packets[i].mbuf;
	counter_add(&w->counters.sunk, batch->n);
	rte_pktmbuf_free_bulk(mbufs, batch->n);
	batch->n = 0;
}

void stage_sink(struct worker *w, struct packet_batch *batch)
{
	for (unsigned i = 0; i < batch->n; i++)
		stage_count(&batch->packets[i], batch->side);
	stage_free(w, batch);
}
