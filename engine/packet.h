// SPDX-License-Identifier: BSD-3-Clause
// The burst that the stages work on: an array of packets, each with a verdict. Workers.
#pragma once

#include <rte_mbuf.h>

#include "engine/drop.h"
#include "engine/stream.h"
#include "pktio/parse.h"

#define PACKET_BURST 32

enum packet_side { SIDE_WIRE, SIDE_HOST };

// What a stage decides about a packet: a drop_reason, or one of these.
enum packet_verdict {
	VERDICT_GO = 0x80, // on to the next stage
	VERDICT_LOCAL,	   // not media of a session: for the kernel, or for the control thread
	VERDICT_HANDOVER,  // the stream is another worker's
};
static_assert((int)DROP_COUNT < (int)VERDICT_GO, "verdicts and drop reasons share one byte");

struct packet {
	struct rte_mbuf *mbuf;
	const struct stream *stream; // from stage_lookup on
	struct parse parse;
	uint16_t length; // of RTP or RTCP, as it goes out
	uint8_t verdict;
	uint8_t rtcp;
};

struct packet_batch {
	enum packet_side side; // where the packets came from
	bool timed;	       // the stages' cycles are counted
	unsigned n;	       // that are still on their way
	uint64_t now;	       // TSC when they came
	uint64_t now_s32;      // the same as reception_clock()
	struct packet packets[PACKET_BURST];
};

static inline uint8_t *packet_payload(const struct packet *p)
{
	return rte_pktmbuf_mtod_offset(p->mbuf, uint8_t *, p->parse.payload);
}
