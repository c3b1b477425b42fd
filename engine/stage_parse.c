// SPDX-License-Identifier: BSD-3-Clause
// Stage: headers of the whole burst. Workers.
#include "engine/stage.h"

// A tag that is not ours is the kernel's to judge; without any, where one is expected, the packet
// belongs to no network of ours.
static uint8_t judge_vlan(const struct worker_shared *shared, const struct parse *parse)
{
	return shared->has_exception && parse->vlan != 0 ? VERDICT_LOCAL : DROP_WRONG_VLAN;
}

static uint8_t judge(struct worker *w, enum packet_side side, const struct parse *parse)
{
	if (parse->vlan != (side == SIDE_WIRE ? w->shared->vlan : 0))
		return side == SIDE_WIRE ? judge_vlan(w->shared, parse) : DROP_NOT_OURS;
	switch (parse->kind) {
	case PARSE_UDP:
		return VERDICT_GO;
	case PARSE_MALFORMED:
		return DROP_MALFORMED;
	case PARSE_FRAGMENT:
		counter_add(&w->counters.fragments, 1);
		return VERDICT_LOCAL;
	default:
		return VERDICT_LOCAL;
	}
}

// net_af_packet gets frames whose tag the kernel has taken off: it goes back to its place, for the
// VLANs to be told apart, here and in the kernel.
static bool restore_tag(struct packet *p)
{
	return likely(!(p->mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)) ||
	       rte_vlan_insert(&p->mbuf) == 0;
}

void stage_parse(struct worker *w, struct packet_batch *batch)
{
	uint8_t others = 0;

	for (unsigned i = 0; i < batch->n; i++) {
		struct packet *p = &batch->packets[i];

		if (unlikely(!restore_tag(p))) {
			p->verdict = DROP_NO_ROOM;
		} else {
			parse_mbuf(p->mbuf, &p->parse);
			p->verdict = judge(w, batch->side, &p->parse);
		}
		others |= p->verdict ^ VERDICT_GO;
	}
	stage_settle(w, batch, others);
}
