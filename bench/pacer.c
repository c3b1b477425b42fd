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
#define AWAY_NS	   20000u     // in a window: somebody took a core away
#define SETTLED	   128	      // packets under way: nothing is piled up

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
	memset(p->owned, 0, sizeof(p->owned));
	p->windows = p->owned_windows = 0;
}

// ---- whose the cores were

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch_begin(struct pacer_watch *watch, uint64_t tsc)
{
	watch->begin = tsc;
	watch->wall_ns = clock_ns(CLOCK_MONOTONIC);
	watch->worker_ns = clock_ns(watch->worker_clock);
	watch->own_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	watch->n = 0;
}

// The window has ended: its samples count if both threads ran all the time and nothing was piled up
// from before.
static void watch_end(struct pacer *p, uint64_t tsc, bool behind)
{
	struct pacer_watch *watch = &p->watch;
	uint64_t wall = watch->wall_ns, worker = watch->worker_ns, own = watch->own_ns;
	uint32_t n = watch->n;

	watch_begin(watch, tsc);
	bool away = watch->wall_ns - wall >
		    RTE_MIN(watch->worker_ns - worker, watch->own_ns - own) + AWAY_NS;

	p->windows++;
	if (!away && !watch->settling && n < PACER_SAMPLES) {
		p->owned_windows++;
		for (uint32_t i = 0; i < n; i++)
			histogram_add(&p->owned[watch->samples[i].side], watch->samples[i].cycles);
	}
	if (away)
		watch->settling = true;
	else if (!behind && p->entered - p->received <= SETTLED)
		watch->settling = false;
}

static void watch_sample(struct pacer_watch *watch, enum packet_side side, uint64_t cycles)
{
	if (watch->n < PACER_SAMPLES)
		watch->samples[watch->n++] =
			(struct pacer_sample){.cycles = cycles, .side = side == SIDE_HOST};
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
	p->entered += put;
	for (unsigned i = put; i < made; i++)
		p->free[p->n_free++] = mbufs[i];
}

// Takes what has come out of a side.
static unsigned take(struct pacer *p, enum packet_side side)
{
	enum packet_side came_in = side == SIDE_WIRE ? SIDE_HOST : SIDE_WIRE;
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
		histogram_add(&p->way[came_in], now - *stamp_of(mbufs[i]));
		watch_sample(&p->watch, came_in, now - *stamp_of(mbufs[i]));
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
	uint64_t window = rte_get_tsc_hz() / (1000000000u / PACER_WINDOW_NS);
	uint64_t offered = 0, now;

	p->watch.settling = true; // until the first window ends well
	watch_begin(&p->watch, begin);
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
		if (now - p->watch.begin >= window)
			watch_end(p, now, due > BURST);
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

void pacer_begin(struct pacer *p, unsigned which, clockid_t worker_clock)
{
	uint64_t end = bench_now_ns() + 10000000000u;

	p->round = &p->rounds[which];
	p->watch.worker_clock = worker_clock;
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
	p->sent = p->received = p->entered = 0;
}

static void flush(struct rte_ring *ring)
{
	struct rte_mbuf *mbufs[BURST];
	unsigned n;

	while ((n = rte_ring_dequeue_burst(ring, (void **)mbufs, BURST, NULL)) > 0)
		rte_pktmbuf_free_bulk(mbufs, n);
}

void pacer_flush(struct pacer *p)
{
	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
		flush(p->rig->in[side][0]);
		flush(p->rig->out[side][0]);
	}
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
