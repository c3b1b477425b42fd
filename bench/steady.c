// SPDX-License-Identifier: BSD-3-Clause
// A steady flow through a running worker. Main thread.
#include "bench/steady.h"

#include <string.h>

#include <rte_cycles.h>

#include "bench/bench.h"

#define BURST	   64
#define RTP_LENGTH (12 + 160)
#define BEHIND	   256	      // packets; more than that were not sent in time, and never are
#define END_NS	   200000000u // without a packet: none comes any more

void steady_init(struct steady *steady, struct rig *rig, uint32_t sessions, uint32_t pps)
{
	*steady = (struct steady){.rig = rig, .sessions = sessions};
	steady->interval_tsc = rte_get_tsc_hz() / pps;
	steady->begin_ns = bench_now_ns();
	steady->cpu_ns = rig_worker_cpu_ns(rig, 0);
	steady->next_tsc = rte_rdtsc();
}

static void enqueue(struct steady *s, enum packet_side side, struct rte_mbuf *mbuf)
{
	if (rte_ring_enqueue(s->rig->in[side][0], mbuf) == 0)
		return;
	s->ring_full++;
	rte_pktmbuf_free(mbuf);
}

static void send_next(struct steady *s)
{
	const uint8_t header[12] = {0x80, 0, s->seq >> 8, s->seq & 0xff, 0, 0, 0, 0, 1};
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(s->rig->pool);

	s->sent++;
	if (mbuf) {
		memcpy(rig_frame(mbuf, s->at, SIDE_HOST, RTP_LENGTH), header, sizeof(header));
		enqueue(s, SIDE_HOST, mbuf);
	} else {
		s->ring_full++; // there are as many as a ring takes
	}
	if (++s->at == s->sessions) {
		s->at = 0;
		s->seq++;
	}
}

// Whether it is a packet of the flow; the engine also asks for its neighbours.
static bool is_ours(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *)->ether_type ==
	       RTE_BE16(RTE_ETHER_TYPE_IPV4);
}

static void take(struct steady *s, enum packet_side side)
{
	struct rte_mbuf *mbufs[BURST];
	unsigned n = rte_ring_dequeue_burst(s->rig->out[side][0], (void **)mbufs, BURST, NULL);

	for (unsigned i = 0; i < n; i++) {
		bool ours = is_ours(mbufs[i]);

		if (ours && side == SIDE_WIRE) {
			rig_reflect(mbufs[i]);
			enqueue(s, SIDE_WIRE, mbufs[i]);
		} else {
			s->received += ours;
			rte_pktmbuf_free(mbufs[i]);
		}
	}
}

void steady_poll(struct steady *s)
{
	uint64_t now = rte_rdtsc();

	if (now > s->next_tsc + BEHIND * s->interval_tsc) {
		uint64_t late = (now - s->next_tsc) / s->interval_tsc - BEHIND;

		s->late += late; // this thread had no core, or did something else
		s->next_tsc += late * s->interval_tsc;
	}
	while (now >= s->next_tsc) {
		send_next(s);
		s->next_tsc += s->interval_tsc;
	}
	do {
		take(s, SIDE_WIRE);
		take(s, SIDE_HOST);
	} while (rte_ring_count(s->rig->out[SIDE_WIRE][0]) > BURST ||
		 rte_ring_count(s->rig->out[SIDE_HOST][0]) > BURST);
}

void steady_end(struct steady *s)
{
	uint64_t last = bench_now_ns(), before = s->received;

	s->worker_share =
		(double)(rig_worker_cpu_ns(s->rig, 0) - s->cpu_ns) / (double)(last - s->begin_ns);

	while (s->received < s->sent && bench_now_ns() - last < END_NS) {
		take(s, SIDE_WIRE);
		take(s, SIDE_HOST);
		if (s->received != before)
			last = bench_now_ns();
		before = s->received;
	}
}
