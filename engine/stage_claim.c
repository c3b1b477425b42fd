// SPDX-License-Identifier: BSD-3-Clause
// Stage: one worker alone touches a stream's state and context, the first that saw a packet of it.
// Receive-side scaling keeps a stream on one queue; RTCP of the host side may land on another.
// Workers.
#include "engine/stage.h"

static uint8_t judge(struct worker *w, const struct packet *p)
{
	uint32_t *owner = &p->stream->state->owner;
	uint32_t seen = __atomic_load_n(owner, __ATOMIC_ACQUIRE);

	if (seen == STREAM_UNOWNED && __atomic_compare_exchange_n(owner, &seen, worker_owner(w),
					      false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		counter_add(&w->counters.claimed, 1);
		return VERDICT_GO;
	}
	return seen == worker_owner(w) ? VERDICT_GO : VERDICT_HANDOVER;
}

void stage_claim(struct worker *w, struct packet_batch *batch)
{
	uint8_t others = 0;

	for (unsigned i = 0; i < batch->n; i++) {
		struct packet *p = &batch->packets[i];

		p->verdict = judge(w, p);
		others |= p->verdict ^ VERDICT_GO;
	}
	stage_settle(w, batch, others);
}
