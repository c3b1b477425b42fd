// SPDX-License-Identifier: BSD-3-Clause
// What one worker of the `path` benchmark does: a thread that is the network and the application of
// its streams, and between the two drives the engine's worker. Packets go round: plain RTP into the
// host port, SRTP out of the wire port, back into it as the peer's, plain RTP out of the host port.
#pragma once

#include <pthread.h>

#include "bench/bench.h"
#include "bench/floor.h"
#include "bench/options.h"
#include "bench/rig.h"

#define LANE_CHUNK 4096 // packets in flight: more than the second-level cache holds

struct lane_chunk {
	struct rte_mbuf *mbufs[LANE_CHUNK];
	uint32_t session[LANE_CHUNK];
};

// What takes turns. Alone: while the other lanes wait.
enum lane_series { LANE_FLOOR, LANE_PATH, LANE_FLOOR_ALONE, LANE_PATH_ALONE, LANE_SERIES };

struct lane {
	struct rig *rig;
	unsigned index, workers; // of the worker; of all
	enum bench_direction direction;
	enum suite_id suite;
	uint32_t payload;
	double seconds; // of each repeat
	unsigned repeats;
	bool verify;
	pthread_barrier_t *barrier; // of all lanes

	// A permutation of this worker's sessions: each comes once in a round
	uint32_t n_sessions, *order, at;
	uint16_t seq; // of the round
	struct lane_chunk chunks[2];
	unsigned fresh;		 // which of the two comes from the application next
	uint64_t sent, received; // sums over the packets, to verify

	struct floor *floor;
	uint8_t *floor_data[LANE_CHUNK];
	uint32_t floor_stream[LANE_CHUNK], floor_at;

	enum lane_series series;	      // whose turn it is
	struct bench_samples ns[LANE_SERIES]; // a packet, of each chunk of this repeat
	double *repeats_of[LANE_SERIES];      // the first quartile of each repeat
	double *means;			      // of the path in each repeat
	struct stage_counters stages_before[STAGE_COUNT];
	struct bench_samples stage_cycles[STAGE_COUNT]; // a packet, of each chunk
	pthread_t thread;
};

void lane_init(struct lane *lane);
void lane_fini(struct lane *lane);
// The thread's function: measures.
void *lane_run(void *lane);
