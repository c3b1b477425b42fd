// SPDX-License-Identifier: BSD-3-Clause
// A worker's turn: the bursts of its queues through the stages, and for worker 0 the way from and
// to the kernel. Workers.
#include "engine/worker.h"

#include <string.h>

#include <rte_cycles.h>

#include "engine/gen.h"
#include "engine/stage.h"
#include "engine/trace.h"
#include "engine/verbose.h"
#include "engine/way.h"
#include "engine/worker_port.h"

#define KERNEL_BEHIND 4 // packets to the kernel in a turn that left packets of media in a port

void worker_drop(struct worker *w, struct rte_mbuf *mbuf, enum drop_reason reason)
{
	counter_add(&w->counters.drops[reason], 1);
	if (unlikely(w->tracing))
		trace_drop(w, mbuf, reason);
	rte_pktmbuf_free(mbuf);
}

static void drop_all(
	struct worker *w, struct rte_mbuf *mbufs[], unsigned n, enum drop_reason reason)
{
	for (unsigned i = 0; i < n; i++)
		worker_drop(w, mbufs[i], reason);
}

// Puts packets where worker 0, which alone sends to the exception port, takes them from.
static void queue_kernel(struct worker *w, struct rte_mbuf *mbufs[], unsigned n)
{
	unsigned queued = rte_ring_enqueue_burst(w->shared->to_kernel, (void **)mbufs, n, NULL);

	drop_all(w, mbufs + queued, n - queued, DROP_KERNEL_FULL);
}

// Sends to the exception port. A packet costs net_tap one system call, as long as dozens of packets
// of media take: while these pile up, few go that way in a turn, and a flood of what is not
// media is lost in the ring to the kernel rather than the media in the port's.
static unsigned send_kernel(struct worker *w, bool behind)
{
	struct worker_shared *shared = w->shared;
	struct rte_mbuf *mbufs[PACKET_BURST];
	unsigned sent, n;

	n = rte_ring_dequeue_burst(
		shared->to_kernel, (void **)mbufs, behind ? KERNEL_BEHIND : PACKET_BURST, NULL);
	if (n == 0)
		return 0;
	sent = worker_port_send(w, ROLE_EXCEPTION, 0, mbufs, (uint16_t)n);
	counter_add(&w->counters.to_kernel, sent);
	drop_all(w, mbufs + sent, n - sent,
		worker_port_refused(w, ROLE_EXCEPTION, DROP_KERNEL_FULL));
	return n;
}

static void count_stage(struct stage_counters *c, unsigned packets, uint64_t cycles)
{
	counter_add(&c->packets, packets);
	counter_add(&c->batches, 1);
	counter_add(&c->cycles, cycles);
}

// What there is to note of a stage that has ended; `then` is the end of the one before.
static uint64_t watch_stage(struct worker *w, const struct packet_batch *batch, enum stage_id id,
	unsigned n, uint64_t then)
{
	uint64_t now = rte_rdtsc();

	if (batch->timed)
		count_stage(&w->stages[id], n, now - then);
	if (w->tracing)
		trace_stage(w, batch, id, n, now);
	return now;
}

static void count_received(struct worker *w, unsigned n, uint64_t cycles)
{
	unsigned size = n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;

	count_stage(&w->stages[STAGE_rx], n, cycles);
	counter_add(&w->batch_sizes[size < BATCH_SIZES ? size : BATCH_SIZES - 1], 1);
}

static void run_stages(struct worker *w, struct packet_batch *batch, const struct way *way)
{
	bool watched = batch->timed || w->tracing;
	uint64_t then = watched ? rte_rdtsc() : 0;

	w->n_local = 0;
	for (; way->run && batch->n > 0; way++) {
		unsigned n = batch->n;

		way->run(w, batch);
		if (watched)
			then = watch_stage(w, batch, way->id, n, then);
	}
	if (w->n_local > 0)
		queue_kernel(w, w->local, w->n_local);
	if (watched && w->tracing)
		trace_finish(w);
}

static void begin_batch(struct worker *w, enum packet_side side, unsigned n)
{
	struct packet_batch *batch = &w->batch;

	batch->side = side;
	batch->now = rte_rdtsc();
	batch->now_s32 = reception_clock(batch->now, w->shared->tsc_hz);
	batch->n = n;
}

static void run_batch(
	struct worker *w, enum packet_side side, struct rte_mbuf *const mbufs[], unsigned n)
{
	struct packet_batch *batch = &w->batch;

	parse_prefetch(mbufs, n);
	begin_batch(w, side, n);
	for (unsigned i = 0; i < n; i++) {
		batch->packets[i].mbuf = mbufs[i];
		batch->packets[i].stream = NULL;
	}
	if (unlikely(__atomic_load_n(&w->shared->trace, __ATOMIC_RELAXED)))
		trace_begin(w, batch);
	if (unlikely(__atomic_load_n(&w->shared->verbose, __ATOMIC_RELAXED)))
		verbose_note(w, batch);
	run_stages(w, batch, way_table[w->fwd.mode][side]);
}

static unsigned poll_port(struct worker *w, enum packet_side side)
{
	enum worker_role role = side == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST;
	struct rte_mbuf *mbufs[PACKET_BURST];
	uint64_t then;
	unsigned n;

	if (w->index >= w->shared->rx_queues[role])
		return 0;
	w->batch.timed = w->batches % STAGE_SAMPLE == 0;
	then = w->batch.timed ? rte_rdtsc() : 0;
	n = worker_port_receive(w, role, (uint16_t)w->index, mbufs, w->fwd.burst);
	if (n == 0)
		return 0;
	counter_add(&w->batches, 1);
	counter_add(&w->counters.rx[side], n);
	if (w->batch.timed)
		count_received(w, n, rte_rdtsc() - then);
	run_batch(w, side, mbufs, n);
	return n;
}

// Packets of our streams that other workers received. A batch is of one side.
static unsigned poll_handover(struct worker *w)
{
	struct rte_mbuf *mbufs[PACKET_BURST], *sides[2][PACKET_BURST];
	unsigned n, counts[2] = {0};

	n = rte_ring_dequeue_burst(w->handover, (void **)mbufs, PACKET_BURST, NULL);
	for (unsigned i = 0; i < n; i++) {
		bool wire = mbufs[i]->port == w->shared->port[ROLE_WIRE];
		enum packet_side side = wire ? SIDE_WIRE : SIDE_HOST;

		sides[side][counts[side]++] = mbufs[i];
	}
	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++)
		if (counts[side] > 0)
			run_batch(w, side, sides[side], counts[side]);
	return n;
}

// The kernel's packets leave by the wire as they are, but for the tag of our VLAN.
static unsigned poll_kernel(struct worker *w)
{
	struct worker_shared *shared = w->shared;
	struct rte_mbuf *mbufs[PACKET_BURST];
	unsigned n, sent, good = 0;

	n = worker_port_receive(w, ROLE_EXCEPTION, 0, mbufs, PACKET_BURST);
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		const struct rte_ether_hdr *eth =
			rte_pktmbuf_mtod(mbufs[i], const struct rte_ether_hdr *);
		bool tagged = eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN);

		mbufs[i]->vlan_tci = shared->vlan;
		if (shared->vlan != 0 && !tagged && rte_vlan_insert(&mbufs[i]) != 0)
			worker_drop(w, mbufs[i], DROP_NO_ROOM);
		else
			mbufs[good++] = mbufs[i];
	}
	sent = worker_port_send(w, ROLE_WIRE, 0, mbufs, (uint16_t)good);
	counter_add(&w->counters.from_kernel, sent);
	drop_all(w, mbufs + sent, good - sent, worker_port_refused(w, ROLE_WIRE, DROP_TX_FULL));
	return n;
}

// Worker 0's errands for the others and for the control thread.
static unsigned poll_rings(struct worker *w, bool behind)
{
	struct worker_shared *shared = w->shared;
	struct rte_mbuf *mbufs[PACKET_BURST];
	unsigned n, total = shared->has_exception ? send_kernel(w, behind) : 0;

	n = rte_ring_dequeue_burst(shared->from_control, (void **)mbufs, PACKET_BURST, NULL);
	for (unsigned i = 0; i < n; i++) {
		bool wire = mbufs[i]->port == shared->port[ROLE_WIRE];
		enum worker_role role = wire ? ROLE_WIRE : ROLE_HOST;

		if (worker_port_send(w, role, 0, &mbufs[i], 1) != 1)
			worker_drop(w, mbufs[i], worker_port_refused(w, role, DROP_TX_FULL));
	}
	return total + n;
}

// What the generator makes goes the way of packets from the host, without their headers.
static unsigned poll_generator(struct worker *w)
{
	struct packet_batch *batch = &w->batch;
	uint64_t then;
	unsigned n;

	batch->timed = w->batches % STAGE_SAMPLE == 0;
	then = batch->timed ? rte_rdtsc() : 0;
	n = gen_fill(w, batch);
	if (n == 0)
		return 0;
	counter_add(&w->batches, 1);
	if (batch->timed)
		count_stage(&w->stages[STAGE_generate], n, rte_rdtsc() - then);
	begin_batch(w, SIDE_HOST, n);
	run_stages(w, batch, way_table[FWD_gen][WAY_GENERATOR]);
	return n;
}

// What waits in the ports and in the rings of media stays there while forwarding is stopped.
static unsigned poll_media(struct worker *w)
{
	unsigned wire = poll_port(w, SIDE_WIRE), host = poll_port(w, SIDE_HOST);
	unsigned n = wire + host + poll_handover(w);

	if (w->fwd.mode == FWD_gen)
		n += poll_generator(w);
	if (w->index != 0)
		return n;
	n += poll_rings(w, wire == w->fwd.burst || host == w->fwd.burst);
	return n + (w->shared->has_exception ? poll_kernel(w) : 0);
}

unsigned worker_iterate(struct worker *w)
{
	unsigned n = 0;

	__atomic_load(&w->shared->fwd, &w->fwd, __ATOMIC_ACQUIRE);
	if (likely(!w->fwd.stopped))
		n = poll_media(w);
	else if (w->index == 0)
		n = poll_rings(w, false);
	counter_add(&w->counters.iterations, 1);
	if (n > 0)
		counter_add(&w->counters.busy_iterations, 1);
	return n;
}
