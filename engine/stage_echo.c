// SPDX-License-Identifier: BSD-3-Clause
// Stage of mode echo: what a peer sent becomes what the application would send back. The stages
// that follow find the stream to the peer and protect. Workers.
#include "engine/stage.h"

void stage_echo(struct worker *w, struct packet_batch *batch)
{
	(void)w;
	for (unsigned i = 0; i < batch->n; i++) {
		struct packet *p = &batch->packets[i];
		const struct stream *stream = p->stream;

		stage_count(p, batch->side);
		p->parse.src = stream->nexthop->remote;
		p->parse.dst = stream->nexthop->local;
		p->parse.src_port = rte_cpu_to_be_16(stream->out_dst_port);
		p->parse.dst_port = rte_cpu_to_be_16(stream->out_src_port);
		p->parse.length = p->length;
		p->stream = NULL;
	}
	batch->side = SIDE_HOST;
}
