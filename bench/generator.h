// SPDX-License-Identifier: BSD-3-Clause
// The generator between two DPDK ports that lead to an engine: the network on its wire side, the
// application on its host side. Main thread, which polls.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "bench/options.h"
#include "bench/search.h"
#include "engine/packet.h"

struct generator {
	// Filled in by the caller
	enum suite_id suite;
	enum bench_direction direction;
	uint32_t sessions, payload;
	double seconds;	   // of a trial
	uint16_t ports[2]; // by enum packet_side: the one that leads to that side of the engine
	struct rte_ether_addr engine[2]; // MAC addresses of the engine's ports
	bool refused_is_lost; // what a full transmit queue refuses: a virtual port has no wire
	struct rte_mempool *pool;

	struct rte_ether_addr own[2];
	uint32_t *order;      // a permutation of the sessions: each comes once in a round
	uint32_t at[2];	      // in order, of what is sent towards each side
	uint16_t seq[2];      // of the round
	uint8_t *contexts[2]; // by enum context_direction, of all sessions
	size_t context_size;
	uint8_t *seen[2]; // sessions whose packet has come out of each side; while verifying
	uint64_t received, wrong; // packets of media; of another length than they should have
};

// Ends the program if there is no memory.
void generator_init(struct generator *g);
void generator_fini(struct generator *g);

// Sends a packet of each session in each direction measured until each has come out once and is,
// after SRTP, what was sent; answers the engine's ARP. Returns how many have not after some rounds.
uint32_t generator_verify(struct generator *g);
// A trial as struct search wants it; arg is the generator.
void generator_trial(void *g, double pps, struct search_trial *trial);
