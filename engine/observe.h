// SPDX-License-Identifier: BSD-3-Clause
// What the workers' counters tell of the last seconds: a sample of them each second, and figures
// since the oldest that is kept. Nobody's question changes another's answer. Control thread.
#pragma once

#include "engine/worker.h"

#define OBSERVE_SECONDS 10 // that figures of "recently" are about

struct observe;

// Of workers that have not started. NULL on lack of memory.
struct observe *observe_new(const struct worker_shared *shared);
void observe_free(struct observe *observe);

// Takes a sample; once a second.
void observe_sample(struct observe *observe);

// Seconds between the oldest sample and now.
double observe_interval_s(const struct observe *observe);

// A stream is gone that a worker owned (STREAM_UNOWNED: none).
void observe_released(struct observe *observe, uint32_t owner);

enum observe_state { OBSERVE_POLLING, OBSERVE_SLEEPING, OBSERVE_STUCK, OBSERVE_STOPPED };
extern const char *const observe_state_names[]; // "polling"

struct observe_worker {
	int lcore; // -1: a thread of its own
	int socket;
	int queues[ROLE_COUNT]; // that it receives from; -1: none of that port
	enum observe_state state;
	uint64_t streams; // that it owns
	uint64_t rx_packets, tx_packets;
	// Recently; negative: there was nothing to tell it from
	double rx_per_s, packets_per_batch, cycles_per_packet;
	double busy_percent; // of its time, in batches of packets
};
void observe_worker_get(
	const struct observe *observe, unsigned index, struct observe_worker *worker);

// One stage of all workers, of the batches that were timed: since the start, and recently.
struct observe_stage {
	struct stage_counters total, recent;
};
void observe_stage_get(
	const struct observe *observe, enum stage_id id, struct observe_stage *stage);

struct observe_drop {
	uint64_t packets; // since the start, or since observe_drops_clear()
	double per_s;	  // recently
};
void observe_drop_get(
	const struct observe *observe, enum drop_reason reason, struct observe_drop *drop);
// The workers' counters go on, as those who scrape them expect.
void observe_drops_clear(struct observe *observe);
// Since the start, or since they were cleared.
double observe_drops_since_s(const struct observe *observe);
