// SPDX-License-Identifier: BSD-3-Clause
// Stage: what kind of packet came to a stream's port. On the wire side RTP and RTCP share it (RFC
// 5761); on the host side RTCP may come to the port above, too. Workers.
#include "engine/stage.h"
#include "pktio/demux.h"

#define RTP_HEADER  12
#define RTCP_HEADER 8

static uint8_t judge_other(struct worker *w, const struct packet_batch *batch, enum demux_kind kind)
{
	if (batch->side != SIDE_WIRE || kind == DEMUX_OTHER)
		return DROP_NOT_RTP;
	counter_add(&w->counters.punted, 1);
	return DROP_PUNT_NO_TAKER;
}

static uint8_t judge(struct worker *w, const struct packet_batch *batch, struct packet *p)
{
	enum demux_kind kind = demux_classify(packet_payload(p), p->parse.length);
	bool above = rte_be_to_cpu_16(p->parse.dst_port) != p->stream->local_port;

	if (p->parse.length < 2)
		return DROP_TOO_SHORT;
	if (kind != DEMUX_RTP && kind != DEMUX_RTCP)
		return judge_other(w, batch, kind);
	p->rtcp = kind == DEMUX_RTCP;
	if (p->parse.length < (p->rtcp ? RTCP_HEADER : RTP_HEADER))
		return DROP_TOO_SHORT;
	if (above && !p->rtcp)
		return DROP_NOT_RTP;
	// RTCP goes on whatever the direction is (RFC 3264 section 5.1)
	if (!p->stream->active && !p->rtcp)
		return DROP_INACTIVE;
	return p->mbuf->nb_segs == 1 ? VERDICT_GO : DROP_MULTI_SEGMENT;
}

void stage_demux(struct worker *w, struct packet_batch *batch)
{
	uint8_t others = 0;

	for (unsigned i = 0; i < batch->n; i++) {
		struct packet *p = &batch->packets[i];

		p->verdict = judge(w, batch, p);
		others |= p->verdict ^ VERDICT_GO;
	}
	stage_settle(w, batch, others);
}
