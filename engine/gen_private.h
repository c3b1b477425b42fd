// SPDX-License-Identifier: BSD-3-Clause
// The generator as its control side (gen.c) and its workers' side (gen_fill.c) know it.
#pragma once

#include "engine/gen.h"
#include "engine/worker.h"

// Where the applications of synthetic sessions would be: addresses that no network has (RFC 1112
// section 4), so that they are in nobody's way.
#define GEN_HOST	  0xf0000001u // 240.0.0.1, and those behind it
#define GEN_HOST_PEER	  0xf0010001u
#define GEN_HOST_SESSIONS 32000 // on one address
#define GEN_HOST_PORT	  1024

#define GEN_TIMESTAMP(samples) ((uint64_t)(samples) << 16)

// Written by its worker, but for gen_begin() while none runs.
struct gen_worker {
	struct gen_pace pace;
	uint32_t turn;	    // whose turn it is among the worker's sessions
	uint64_t round;	    // all sessions have sent so many packets
	uint64_t timestamp; // of this round, as GEN_TIMESTAMP()
} __attribute__((aligned(64)));

struct gen_key;

struct gen {
	// Control writes, before it is published or while no worker runs
	uint32_t sessions;
	uint32_t ssrc; // of the first session
	struct gen_traffic traffic;
	uint64_t step; // of timestamps from packet to packet
	struct nexthop *nexthop;

	// Control thread only
	struct gen_params params;
	struct gen_traffic next;
	bool own_secret, loop;
	struct gen_key *key; // while sessions are added
	unsigned n_ids, n_wanted;
	uint32_t *ids; // of the sessions that send, then of their other ends, if they are here
	struct gen_counts base;

	struct gen_worker workers[FWD_WORKERS_MAX];
};

// The host side's own address of the i-th session.
static inline struct session_addr gen_host(uint32_t i)
{
	struct session_addr host = {
		.port = (uint16_t)(GEN_HOST_PORT + 2 * (i % GEN_HOST_SESSIONS))};

	host.ip.s6_addr32[2] = RTE_BE32(0xffff);
	host.ip.s6_addr32[3] = rte_cpu_to_be_32(GEN_HOST + i / GEN_HOST_SESSIONS);
	return host;
}

static inline struct session_addr gen_host_peer(void)
{
	struct session_addr peer = {.port = GEN_HOST_PORT};

	peer.ip.s6_addr32[2] = RTE_BE32(0xffff);
	peer.ip.s6_addr32[3] = RTE_BE32(GEN_HOST_PEER);
	return peer;
}

// How many sessions are worker `index`'s: those whose number is `index` modulo n_workers.
static inline uint32_t gen_share(uint32_t sessions, unsigned index, unsigned n_workers)
{
	return (sessions + n_workers - 1 - index) / n_workers;
}
