// SPDX-License-Identifier: BSD-3-Clause
// Offers packets to a worker between two ring ports, plain ones to its host port and SRTP to its
// wire port in turns, by a schedule that nothing slows down, and tells how long each was under way.
// Main thread.
#pragma once

#include "bench/histogram.h"
#include "bench/rig.h"

#define PACER_STOCK   4096 // SRTP packets that wait for their turn to come back
#define PACER_PACKETS 16384

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
	uint64_t sent, received;
};

void pacer_init(struct pacer *pacer, struct rig *rig, uint32_t sessions, uint32_t payload);
void pacer_fini(struct pacer *pacer);

// What is behind the ports is another now: the engine (0) or the floor (1). Fills the stock.
void pacer_begin(struct pacer *pacer, unsigned which);
// Takes in all that is under way, until none has come for a while, and gives the stock up.
void pacer_end(struct pacer *pacer);
void pacer_reset(struct pacer *pacer);

// Offers `pps` packets a second for so long. What finds the ring full is lost.
void pacer_run(struct pacer *pacer, double pps, double seconds);
// Keeps the ports supplied for so long; returns the packets per second that came out.
double pacer_run_full(struct pacer *pacer, double seconds);
