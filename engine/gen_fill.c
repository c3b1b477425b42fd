// SPDX-License-Identifier: BSD-3-Clause
// Makes RTP for the generator's sessions, evenly paced, each in its turn. All sessions have sent
// equally many packets, so nothing is kept of each. Workers.
#include "engine/gen_private.h"

#include <string.h>

#include <rte_cycles.h>

#include "engine/rcu.h"

#define RTP_HEADER 12
#define SILENCE	   0xff	      // of PCMU, payload type 0
#define SSRC_STEP  0x9e3779b1 // odd: no two sessions have the same

static void next_turn(struct gen_worker *g, const struct gen *gen, uint32_t share)
{
	if (++g->turn < share)
		return;
	g->turn = 0;
	g->round++;
	g->timestamp += gen->step;
}

static void write_rtp(uint8_t *out, const struct gen *gen, const struct gen_worker *g, uint32_t i)
{
	struct {
		uint8_t version, payload_type;
		rte_be16_t sequence;
		rte_be32_t timestamp, ssrc;
	} header = {
		.version = 0x80,
		.sequence = rte_cpu_to_be_16((uint16_t)(g->round + 1)),
		.timestamp = rte_cpu_to_be_32((uint32_t)(g->timestamp / GEN_TIMESTAMP(1))),
		.ssrc = rte_cpu_to_be_32(gen->ssrc + i * SSRC_STEP),
	};

	static_assert(sizeof(header) == RTP_HEADER, "RFC 3550 section 5.1");
	memcpy(out, &header, sizeof(header));
	memset(out + RTP_HEADER, SILENCE, gen->traffic.payload);
}

static void make_packet(struct packet *p, struct rte_mbuf *mbuf, const struct gen *gen,
	const struct gen_worker *g, uint32_t i)
{
	struct session_addr host = gen_host(i), peer = gen_host_peer();
	uint16_t length = (uint16_t)(RTP_HEADER + gen->traffic.payload);

	p->mbuf = mbuf;
	p->stream = NULL;
	p->parse = (struct parse){.kind = PARSE_UDP,
		.src = peer.ip,
		.dst = host.ip,
		.src_port = rte_cpu_to_be_16(peer.port),
		.dst_port = rte_cpu_to_be_16(host.port),
		.length = length};
	mbuf->data_len = length;
	mbuf->pkt_len = length;
	write_rtp(packet_payload(p), gen, g, i);
}

unsigned gen_fill(struct worker *w, struct packet_batch *batch)
{
	struct gen *gen = rcu_dereference(w->shared->gen);
	struct gen_worker *g = gen ? &gen->workers[w->index] : NULL;
	struct rte_mbuf *mbufs[PACKET_BURST];
	unsigned n_workers = w->shared->n_workers, n;
	uint64_t late = 0;
	uint32_t share;

	if (!gen || !template_ready(&gen->nexthop->headers))
		return 0;
	share = gen_share(gen->sessions, w->index, n_workers);
	n = share ? gen_pace_due(&g->pace, rte_rdtsc(), w->fwd.burst, &late) : 0;
	if (n > 0 && rte_pktmbuf_alloc_bulk(w->shared->pool, mbufs, n) != 0) {
		late += n;
		n = 0;
	}
	for (unsigned i = 0; i < n; i++) {
		make_packet(&batch->packets[i], mbufs[i], gen, g, g->turn * n_workers + w->index);
		next_turn(g, gen, share);
	}
	counter_add(&w->counters.generated, n);
	counter_add(&w->counters.late, late);
	return n;
}
