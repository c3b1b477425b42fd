// SPDX-License-Identifier: BSD-3-Clause
// Stage: the headers of the other side, from the stream's template, before the payload. Workers.
#include "engine/stage.h"

static enum worker_role out_role(const struct packet_batch *batch)
{
	return batch->side == SIDE_WIRE ? ROLE_HOST : ROLE_WIRE;
}

static uint8_t rewrite(const struct worker *w, enum worker_role out, struct packet *p)
{
	const struct template *template = &p->stream->template;
	uint32_t size = template_size(template);
	uint32_t end = p->mbuf->data_off + p->parse.payload;
	uint8_t *payload = packet_payload(p);
	struct rte_ether_addr mac;
	// RTCP has the port above on the host side, the same port on the wire
	uint16_t port_add = out == ROLE_HOST ? p->rtcp : 0;

	if (!nexthop_mac(p->stream->nexthop, &mac))
		return DROP_NO_NEXTHOP;
	if (size - template_l3(template) + p->length > w->shared->mtu[out])
		return DROP_MTU;
	if (end < size)
		return DROP_NO_ROOM;
	p->mbuf->data_off = (uint16_t)(end - size);
	p->mbuf->data_len = (uint16_t)(size + p->length);
	p->mbuf->pkt_len = p->mbuf->data_len;
	template_write(template, &mac, payload, p->length, port_add);
	return VERDICT_GO;
}

void stage_rewrite(struct worker *w, struct packet_batch *batch)
{
	enum worker_role out = out_role(batch);

	for (unsigned i = 0; i < batch->n; i++)
		batch->packets[i].verdict = rewrite(w, out, &batch->packets[i]);
	stage_settle(w, batch);
}
