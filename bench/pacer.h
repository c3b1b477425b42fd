// SPDX-License-Identifier: BSD-3-Clause
// Offers packets to a worker between two ring ports, plain ones to its host port and SRTP to its
// wire port in turns, by a schedule that nothing slows down, and tells how long each was under way.
// Main thread.
#pragma once

#include <time.h>

#include "bench/rig.h"
#include "engine/histogram.h"

#define PACER_STOCK   4096 // SRTP packets that wait for their turn to come back
#define PACER_PACKETS 16384

#define PACER_WINDOW_NS 1000000u
#define PACER_SAMPLES	65536 // of a window

// Tells windows of time in which the worker and the generator had their cores from those in which
// the scheduler, an interrupt or the hypervisor took one away: by what the wall clock and the
// threads' CPU clocks say. What was piled up meanwhile is waited for, too.
struct pacer_watch {
	clockid_t worker_clock;			    // of the thread between the ports
	uint64_t begin, wall_ns, worker_ns, own_ns; // as the window began; `begin` in TSC
	bool settling;				    // since a core was taken away
	uint32_t n;
	struct pacer_sample {
		uint64_t cycles : 63;
		uint64_t side : 1;
	} samples[PACER_SAMPLES];
};

struct pacer {
	struct rig *rig;
	uint32_t payload;
	uint32_t sessions, *order; // a permutation: each sends once in a round
	struct pacer_round {
		uint32_t at;
		uint16_t seq;
	} rounds[2], *round; // of the engine and of the floor: where each has got to
	struct rte_mbuf *free[PACER_PACKETS];
	struct rte_mbuf *stock[PACER_PACKETS]; // a ring: first in, first out
	uint32_t n_free, stock_head, stock_n;
	uint64_t bursts;

	// Since pacer_reset(): TSC cycles by the side where packets came in, and how late they went
	// in
	struct histogram way[2], late;
	struct histogram owned[2]; // of the windows in which nobody took a core away
	uint64_t windows, owned_windows;
	uint64_t sent, received;
	uint64_t entered; // sent, and not lost in front of a full ring
	struct pacer_watch watch;
};

void pacer_init(struct pacer *pacer, struct rig *rig, uint32_t sessions, uint32_t payload);
void pacer_fini(struct pacer *pacer);

// What is behind the ports is another now: the engine (0) or the floor (1), a thread of that CPU
// clock. Fills the stock.
void pacer_begin(struct pacer *pacer, unsigned which, clockid_t worker_clock);
// Takes in all that is under way, until none has come for a while, and gives the stock up.
void pacer_end(struct pacer *pacer);
// Gives up what a worker that was away for long has left in the rings; it has ended.
void pacer_flush(struct pacer *pacer);
void pacer_reset(struct pacer *pacer);

// Offers `pps` packets a second for so long. What finds the ring full is lost.
void pacer_run(struct pacer *pacer, double pps, double seconds);
// Keeps the ports supplied for so long; returns the packets per second that came out.
double pacer_run_full(struct pacer *pacer, double seconds);
