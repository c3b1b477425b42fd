// SPDX-License-Identifier: BSD-3-Clause
// Forwarding as a user sees it: started and stopped, in a mode, with statistics that begin anew at
// each start. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/fwd_mode.h"
#include "engine/packet.h"

struct engine;

#define FWD_WORKERS_MAX 64
#define FWD_PORTS	3 // by enum worker_role

extern const char *const fwd_names[FWD_COUNT]; // "direct"
extern const char *const fwd_helps[FWD_COUNT];

// What one port or one worker has done; differences of these are what is shown.
struct fwd_port_counts {
	uint64_t rx, rx_missed; // missed: the receive queue was full
	uint64_t tx, unsent;	// unsent: the transmit queue was full
};

struct fwd_worker_counts {
	uint64_t rx, tx; // media, by all ports
	uint64_t sunk, dropped;
	uint64_t generated, late;
	uint64_t timed_packets, timed_cycles; // of the batches that were timed, with all stages
};

struct fwd_counts {
	uint64_t tsc;
	struct fwd_port_counts ports[FWD_PORTS];
	struct fwd_worker_counts workers[FWD_WORKERS_MAX];
};

// Part of the engine.
struct fwd {
	struct fwd_setting next; // of the next start; `stopped` has no meaning
	uint64_t stopped_tsc;
	struct fwd_counts base;	      // at the last start or clear
	struct fwd_counts seconds[2]; // at the last second, and the one before
};

void fwd_init(struct engine *engine);
void fwd_second(struct engine *engine); // from a timer

bool fwd_is_running(const struct engine *engine);
// Begins with the settings made meanwhile, statistics at 0. 0, -EALREADY, or -ENOENT: mode gen
// without sessions of the generator.
int fwd_start(struct engine *engine);
// No worker touches a port of its own accord or a stream when this returns. 0 or -EALREADY.
int fwd_stop(struct engine *engine);

// For the next start.
#define FWD_BURST_MAX PACKET_BURST
void fwd_set(struct engine *engine, const struct fwd_setting *setting);

void fwd_clear(struct engine *engine);

struct fwd_stats {
	uint64_t elapsed_us;	  // of forwarding since the last start or clear
	struct fwd_counts counts; // since then
	struct fwd_port_counts ports_per_s[FWD_PORTS]; // in the last whole second
	struct fwd_worker_counts workers_per_s[FWD_WORKERS_MAX];
};
void fwd_stats_get(struct engine *engine, struct fwd_stats *stats);
