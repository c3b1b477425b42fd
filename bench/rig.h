// SPDX-License-Identifier: BSD-3-Clause
// A whole engine between two ring ports, in this process: the benchmark is the network on one side
// and the application on the other. Main thread, but for what says otherwise.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "engine/core.h"

#define RIG_ADDRESSES	 16    // local addresses a side
#define RIG_PER_ADDRESS	 32000 // sessions on each
#define RIG_SESSIONS_MAX (RIG_ADDRESSES * RIG_PER_ADDRESS)
#define RIG_WORKERS_MAX	 16
#define RIG_HEADERS	 42 // Ethernet, IPv4 and UDP

struct rig {
	struct engine_config config;
	struct event_base *base;
	struct engine *engine;
	struct rte_mempool *pool; // of the packets that come in
	// By enum packet_side and worker: what the port receives, and what it has sent
	struct rte_ring *in[2][RIG_WORKERS_MAX], *out[2][RIG_WORKERS_MAX];
	uint32_t sessions;
	uint32_t ids[RIG_SESSIONS_MAX];
};

struct rig_params {
	unsigned workers;
	unsigned packets;   // mbufs that each worker's share of the network holds
	const char *crypto; // back end
	bool running;	    // the workers run; else the caller drives them by worker_iterate()
};

// Starts EAL with these options (argv[0] is the program); without any, with those that suit this
// machine. Ends the program with a message if it does not start.
void rig_eal(int argc, char **argv);

// Starts the engine. Ends the program with a message if it cannot.
struct rig *rig_new(const struct rig_params *params);
void rig_free(struct rig *rig);
// Starts and stops the workers, each on a core of its own where there are enough.
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
// What a running worker has used of its core since it started; 0: not known, it is an lcore of EAL.
// rig_worker_clock: the clock that tells it; 0, or -1 where it is not known.
uint64_t rig_worker_cpu_ns(const struct rig *rig, unsigned worker);
int rig_worker_clock(const struct rig *rig, unsigned worker, clockid_t *clock);

// Session i's parameters, addresses and keys; its keys are the same in both directions, so that
// what it sends can come back to it.
void rig_session_params(
	const struct rig *rig, enum suite_id suite, uint32_t i, struct session_params *params);
// Adds sessions up to n, and removes all.
void rig_add(struct rig *rig, enum suite_id suite, uint32_t n);
void rig_remove(struct rig *rig);

// ---- any thread

// Writes the headers of a packet of `length` bytes of UDP payload for session i, as it comes to
// that side, to the front of an empty mbuf; returns the payload, for the caller to write.
uint8_t *rig_frame(struct rte_mbuf *mbuf, uint32_t session, enum packet_side side, uint32_t length);
// Turns a packet that left by a side into one that comes to that side: the peer sends it back.
void rig_reflect(struct rte_mbuf *mbuf);
