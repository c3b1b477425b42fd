// SPDX-License-Identifier: BSD-3-Clause
// A steady flow of calls through a running worker, while something else is measured: plain RTP into
// the host port, SRTP out of the wire port, back as the peer's, plain RTP out of the host port.
// Main thread.
#pragma once

#include "bench/rig.h"

struct steady {
	struct rig *rig;
	uint32_t sessions; // 0 to this - 1, which take turns
	uint32_t at;
	uint16_t seq;
	uint64_t interval_tsc, next_tsc; // when the next packet is due
	uint64_t sent, received;
	uint64_t ring_full;	   // sent, and lost: the worker had not taken those before them
	uint64_t begin_ns, cpu_ns; // when it began, and what the worker had used then
	double worker_share;	   // at the end: how much of a core it has had
	uint64_t late;		   // that could not be sent when they were due, and were not
};

// The rig has one worker, which runs. The first `sessions` of it carry `pps` packets a second in
// each direction.
void steady_init(struct steady *steady, struct rig *rig, uint32_t sessions, uint32_t pps);
// Sends what is due and takes what has come: to be called often, in no regular time.
void steady_poll(struct steady *steady);
// Takes what is under way; then sent - received packets are lost.
void steady_end(struct steady *steady);
