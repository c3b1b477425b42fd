// SPDX-License-Identifier: BSD-3-Clause
// Stage: the stream of each packet, under RCU, the whole burst at a time. Workers.
#include "engine/stage.h"

void stage_lookup(struct worker *w, struct packet_batch *batch)
{
	static const uint8_t verdicts[] = {
		[FLOW_FOUND] = VERDICT_GO,
		[FLOW_NONE] = VERDICT_LOCAL,
		[FLOW_WRONG_SOURCE] = DROP_WRONG_SOURCE,
	};
	const struct parse *parses[PACKET_BURST];
	const struct stream *streams[PACKET_BURST];
	uint8_t results[PACKET_BURST], others = 0;

	for (unsigned i = 0; i < batch->n; i++)
		parses[i] = &batch->packets[i].parse;
	flow_lookup_burst(w->shared->flows[batch->side], parses, streams, results, batch->n);
	for (unsigned i = 0; i < batch->n; i++) {
		batch->packets[i].stream = streams[i];
		batch->packets[i].verdict = verdicts[results[i]];
		others |= batch->packets[i].verdict ^ VERDICT_GO;
	}
	stage_settle(w, batch, others);
}
