// SPDX-License-Identifier: BSD-3-Clause
// A worker: one thread that polls its queues and takes each burst from receive to transmit. Nothing
// below worker_iterate() locks, allocates, logs or calls the system, but the drivers.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "engine/flow.h"
#include "engine/fwd_mode.h"
#include "engine/packet.h"

#define WORKER_RING	    1024 // packets that may wait for another worker
#define WORKER_CONTROL_RING 256

enum worker_role { ROLE_WIRE, ROLE_HOST, ROLE_EXCEPTION, ROLE_COUNT };
extern const char *const worker_role_names[ROLE_COUNT]; // "wire", "host", "exception"

struct gen;
struct worker;
struct latency;
struct trace;
struct trace_batch;
struct capture;
struct verbose;

// What all workers share; written before they start, but for `fwd`, `trace`, `verbose`, `special`
// and `stop`.
struct worker_shared {
	struct fwd_setting fwd;	 // control: wo, workers: ro
	struct trace *trace;	 // control: wo, workers: ro; RCU; NULL: none is armed
	struct verbose *verbose; // control: wo, workers: ro; NULL: off
	uint16_t port[ROLE_COUNT];
	uint16_t rx_queues[ROLE_COUNT];
	uint16_t mtu[ROLE_COUNT];
	uint8_t special[ROLE_COUNT]; // worker_port.h; control writes
	bool has_exception;
	bool idle_sleep;
	uint16_t vlan; // of the wire port; 0: untagged
	uint64_t tsc_hz;
	struct rte_mempool *pool;
	struct gen *gen;	     // RCU; NULL: not set
	struct flow_table *flows[2]; // by enum packet_side
	struct capture *capture;     // the one under way, or the last; of special ports
	struct rte_ring *to_kernel;  // all workers' packets, to worker 0
	struct rte_ring *to_control; // ARP, neighbour discovery and ping where no kernel is behind
	struct rte_ring *from_control; // frames to send; mbuf->port says where
	unsigned n_workers;
	struct worker *workers;
	int stop;
};

// Written by the worker, read by the control thread.
struct worker_counters {
	uint64_t rx[2], tx[2]; // by enum packet_side; tx: media sent out of that side
	uint64_t to_kernel, from_kernel, punted, handed_over, fragments;
	uint64_t protected_packets, unprotected_packets;
	uint64_t claimed;	  // streams, that nobody owned
	uint64_t sunk;		  // packets that ended here, as the forwarding mode wants it
	uint64_t generated, late; // packets of the generator; late: due, and never made
	uint64_t unsent[2];	  // that the port did not take, by enum packet_side
	uint64_t iterations, busy_iterations, sleeps;
	uint64_t drops[DROP_COUNT];
};

// The stages of a burst in the order of the packets' way; those of the crypto are one or the other,
// those behind `tx` belong to other forwarding modes than direct.
#define STAGE_LIST(X)                                                                              \
	X(rx, "from the port")                                                                     \
	X(parse, "Ethernet, IP and UDP headers")                                                   \
	X(lookup, "the stream of each packet, under RCU")                                          \
	X(demux, "RTP, RTCP, STUN, DTLS by the first bytes")                                       \
	X(claim, "whether the stream is this worker's")                                            \
	X(unprotect, "SRTP to RTP")                                                                \
	X(protect, "RTP to SRTP")                                                                  \
	X(rewrite, "the headers of the other side")                                                \
	X(tx, "out of the other port")                                                             \
	X(echo, "turned round to the peer: mode echo")                                             \
	X(sink, "counted and freed: modes sink and gen")                                           \
	X(free, "freed: packets from applications in the modes echo and gen")                      \
	X(io, "out of the other port as they came: mode io")                                       \
	X(generate, "RTP made here: mode gen")

enum stage_id {
#define X(name, help) STAGE_##name,
	STAGE_LIST(X)
#undef X
		STAGE_COUNT
};

// Of one batch in STAGE_SAMPLE, so that timing costs nothing to speak of. A prime: no pattern of
// bursts hides from it.
#define STAGE_SAMPLE 17

struct stage_counters {
	uint64_t packets, batches, cycles; // cycles of the TSC
};

// Of the batches received and timed, those of up to 1, 2, 4, 8, 16, 32 packets, and larger ones.
#define BATCH_SIZES 7

struct worker {
	struct worker_shared *shared;
	unsigned index;
	struct fwd_setting fwd;	     // in this turn
	struct rte_ring *handover;   // packets of this worker's streams that others received
	struct trace_batch *tracing; // the batch is traced
	struct latency *latency;     // control: wo, worker: ro; RCU; NULL: it is not measured
	uint64_t explain_next;	     // TSC from which explain.c may take more samples
	struct rte_ring *explain;    // samples, to the control thread
	unsigned explain_left;	     // samples that it may take
	unsigned n_local;	     // packets collected for the kernel
	struct rte_mbuf *local[PACKET_BURST];
	struct packet_batch batch;

	struct worker_counters counters __attribute__((aligned(64)));
	struct stage_counters stages[STAGE_COUNT]; // of the batches timed
	uint64_t batch_sizes[BATCH_SIZES];
	uint64_t batches;

	// How it was started
	pthread_t thread;
	unsigned lcore;
	bool on_lcore, running;
	uint64_t iterations_seen; // the control thread's, see engine_workers_moved()
} __attribute__((aligned(64)));

// The rings of all workers. 0 or -errno.
int worker_init_all(struct worker_shared *shared);
// Frees the rings and the packets in them.
void worker_fini_all(struct worker_shared *shared);

// Starts each on a worker lcore, or where there are none, on threads of their own. 0 or -errno;
// then none runs.
int worker_start_all(struct worker_shared *shared);
void worker_stop_all(struct worker_shared *shared);

// One turn over all queues; returns the packets handled. The caller is an RCU reader (QSBR),
// online.
unsigned worker_iterate(struct worker *worker);

// Takes a packet out of the burst for one of the drop reasons.
void worker_drop(struct worker *worker, struct rte_mbuf *mbuf, enum drop_reason reason);

static inline uint32_t worker_owner(const struct worker *worker)
{
	return worker->index + 1;
}
