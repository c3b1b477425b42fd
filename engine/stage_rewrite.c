// SPDX-License-Identifier: BSD-3-Clause
// Stage: the headers of the other side, from the stream's template, before the payload. Workers.
#include "engine/stage.h"

static enum worker_role out_role(const struct packet_batch *batch)
{
	return batch->side == SIDE_WIRE ? ROLE_HOST : ROLE_WIRE;
}

static uint8_t rewrite(const struct worker *w, enum worker_role out, struct packet *p)
{
	const struct stream *stream = p->stream;
	const struct template *headers = &stream->nexthop->headers;
	uint32_t size = template_size(headers);
	uint32_t end = p->mbuf->data_off + p->parse.payload;
	// RTCP has the port above on the host side, the same port on the wire
	uint16_t above = out == ROLE_HOST ? p->rtcp : 0;

	if (unlikely(!template_ready(headers)))
		return DROP_NO_NEXTHOP;
	if (unlikely(size - template_l3(headers) + p->length > w->shared->mtu[out]))
		return DROP_MTU;
	if (unlikely(end < size))
		return DROP_NO_ROOM;
	template_write(headers, packet_payload(p), p->length,
		rte_cpu_to_be_16((uint16_t)(stream->out_src_port + above)),
		rte_cpu_to_be_16((uint16_t)(stream->out_dst_port + above)));
	p->mbuf->data_off = (uint16_t)(end - size);
	p->mbuf->data_len = (uint16_t)(size + p->length);
	p->mbuf->pkt_len = p->mbuf->data_len;
	return VERDICT_GO;
}

void stage_rewrite(struct worker *w, struct packet_batch *batch)
{
	enum worker_role out = out_role(batch);
	uint8_t others = 0;

	for (unsigned i = 0; i < batch->n; i++) {
		struct packet *p = &batch->packets[i];

		p->verdict = rewrite(w, out, p);
		others |= p->verdict ^ VERDICT_GO;
	}
	stage_settle(w, batch, others);
}
