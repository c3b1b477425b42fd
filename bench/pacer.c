// SPDX-License-Identifier: BSD-3-Clause
// Offers packets by a schedule and tells their latency. Main thread.
#include "bench/pacer.h"

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "bench/bench.h"

#define BURST	   32
#define RTP_HEADER 12
#define FULL	   2048 // packets under way at most, where the schedule is "as many as possible"
#define END_NS	   100000000u // without a packet: none comes any more

void pacer_init(struct pacer *p, struct rig *rig, uint32_t sessions, uint32_t payload)
{
	memset(p, 0, sizeof(*p));
	p->rig = rig;
	p->sessions = sessions;
	p->payload = payload;
	p->order = calloc(sessions, sizeof(*p->order));
	if (!p->order || rte_pktmbuf_alloc_bulk(rig->pool, p->free, PACER_PACKETS) != 0)
		bench_fail("no memory for packets");
	p->n_free = PACER_PACKETS;
	for (uint32_t i = 0; i < sessions; i++)
		p->order[i] = i;
	bench_shuffle(p->order, sessions);
}

void pacer_fini(struct pacer *p)
{
	rte_pktmbuf_free_bulk(p->free, p->n_free);
	free(p->order);
}

void pacer_reset(struct pacer *p)
{
	memset(p->way, 0, sizeof(p->way));
	memset(&p->late, 0, sizeof(p->late));
}

// ---- packets

// The front of the headroom, which nobody else uses, holds when it went in.
static uint64_t *stamp_of(const struct rte_mbuf *mbuf)
{
	return mbuf->buf_addr;
}

static void make_plain(struct pacer *p, struct rte_mbuf *mbuf)
{
	struct pacer_round *r = p->round;
	uint8_t *rtp = rig_frame(mbuf, p->order[r->at], SIDE_HOST, RTP_HEADER + p->payload);
	const uint8_t header[RTP_HEADER] = {0x80, 0, r->seq >> 8, r->seq & 0xff, 0, 0, 0, 0, 1};

	memcpy(rtp, header, sizeof(header));
	if (++r->at == p->sessions) {
		r->at = 0;
		r->seq++;
	}
}

// Up to n packets for that side, all that is needed but their stamp.
static unsigned make(struct pacer *p, enum packet_side side, struct rte_mbuf *mbufs[], unsigned n)
{
	n = RTE_MIN(n, side == SIDE_HOST ? p->n_free : p->stock_n);
	for (unsigned i = 0; i < n && side == SIDE_HOST; i++) {
		mbufs[i] = p->free[--p->n_free];
		make_plain(p, mbufs[i]);
	}
	for (unsigned i = 0; i < n && side == SIDE_WIRE; i++)
		mbufs[i] = p->stock[p->stock_head++ % PACER_PACKETS];
	if (side == SIDE_WIRE)
		p->stock_n -= n;
	return n;
}

static void keep(struct pacer *p, enum packet_side came_out, struct rte_mbuf *mbuf)
{
	if (came_out == SIDE_WIRE) {
		rig_reflect(mbuf);
		p->stock[(p->stock_head + p->stock_n++) % PACER_PACKETS] = mbuf;
	} else {
		p->free[p->n_free++] = mbuf;
	}
}

// Offers n packets to one of the sides, which take turns; those it has no packets for are lost.
static void offer(struct pacer *p, unsigned n)
{
	enum packet_side side = p->bursts++ % 2 ? SIDE_WIRE : SIDE_HOST;
	struct rte_mbuf *mbufs[BURST];
	unsigned made = make(p, side, mbufs, n), put;
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < made; i++)
		*stamp_of(mbufs[i]) = now;
	put = rte_ring_enqueue_burst(p->rig->in[side][0], (void **)mbufs, made, NULL);
	p->sent += n;
	for (unsigned i = put; i < made; i++)
		p->free[p->n_free++] = mbufs[i];
}

// Takes what has come out of a side.
static unsigned take(struct pacer *p, enum packet_side side)
{
	struct histogram *way = &p->way[side == SIDE_WIRE ? SIDE_HOST : SIDE_WIRE];
	struct rte_mbuf *mbufs[BURST];
	unsigned n = rte_ring_dequeue_burst(p->rig->out[side][0], (void **)mbufs, BURST, NULL);
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(stamp_of(mbufs[i]));
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	}
	for (unsigned i = 0; i < n; i++) {
		if (mbufs[i]->pool != p->rig->pool) { // the engine asks for its neighbours
			rte_pktmbuf_free(mbufs[i]);
			continue;
		}
		histogram_add(way, now - *stamp_of(mbufs[i]));
		p->received++;
		keep(p, side, mbufs[i]);
	}
	return n;
}

static unsigned take_both(struct pacer *p)
{
	unsigned n = take(p, SIDE_WIRE);

	return n + take(p, SIDE_HOST);
}

// ---- schedules

void pacer_run(struct pacer *p, double pps, double seconds)
{
	double interval = (double)rte_get_tsc_hz() / pps;
	uint64_t begin = rte_rdtsc(), end = begin + (uint64_t)(seconds * (double)rte_get_tsc_hz());
	uint64_t offered = 0, now;

	while ((now = rte_rdtsc()) < end) {
		uint64_t due = (uint64_t)((double)(now - begin) / interval) - offered;
		unsigned n = (unsigned)RTE_MIN(due, (uint64_t)BURST);

		for (unsigned i = 0; i < n; i++) {
			uint64_t at = begin + (uint64_t)((double)(offered + i + 1) * interval);

			histogram_add(&p->late, now > at ? now - at : 0);
		}
		if (n > 0)
			offer(p, n);
		offered += n;
		take_both(p);
	}
}

double pacer_run_full(struct pacer *p, double seconds)
{
	uint64_t begin = bench_now_ns(), end = begin + (uint64_t)(seconds * 1e9), now;
	uint64_t before = p->received;

	while ((now = bench_now_ns()) < end) {
		if (p->sent - p->received < FULL)
			offer(p, BURST);
		take_both(p);
	}
	return (double)(p->received - before) * 1e9 / (double)(now - begin);
}

void pacer_begin(struct pacer *p, unsigned which)
{
	uint64_t end = bench_now_ns() + 10000000000u;

	p->round = &p->rounds[which];
	for (uint32_t sent = 0; p->stock_n < PACER_STOCK;) {
		p->bursts = 0; // to the host port
		if (sent < PACER_STOCK && sent - p->stock_n < FULL) {
			offer(p, BURST);
			sent += BURST;
		}
		take(p, SIDE_WIRE);
		if (bench_now_ns() > end)
			bench_fail("only %u of %u packets came out of the wire port: %s",
				p->stock_n, sent, bench_drops(p->rig->engine));
	}
	p->sent = p->received = 0;
}

void pacer_end(struct pacer *p)
{
	for (uint64_t last = bench_now_ns();
		p->received < p->sent && bench_now_ns() - last < END_NS;)
		if (take_both(p) > 0)
			last = bench_now_ns();
	while (p->stock_n > 0) {
		p->stock_n--;
		p->free[p->n_free++] = p->stock[p->stock_head++ % PACER_PACKETS];
	}
	while (p->n_free < PACER_PACKETS) { // in the place of those that were dropped
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(p->rig->pool);

		if (!mbuf)
			break;
		p->free[p->n_free++] = mbuf;
	}
}
