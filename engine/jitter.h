// SPDX-License-Identifier: BSD-3-Clause
// How RFC 3550's jitter is distributed over all streams, and which are the worst: a scan that goes
// on some sessions at a time, so that the control thread is not held up. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/histogram.h"
#include "engine/packet.h"

#define JITTER_WORST_MAX 100
#define JITTER_SCANS_MAX 8 // at a time

struct engine;
struct jitter_scan;

struct jitter_stream {
	uint32_t session;
	enum packet_side from; // where its packets come from
	uint32_t ssrc;
	uint64_t jitter_ns;
	int64_t lost;
};

// Takes the result, once; it is freed afterwards.
typedef void (*jitter_done)(void *arg, const struct jitter_scan *scan);

// Begins a scan for the `worst` streams (0 to JITTER_WORST_MAX). 0, -EBUSY (there are
// JITTER_SCANS_MAX), -ENOMEM; `done` follows from jitter_tick() or jitter_fini().
int jitter_begin(struct engine *engine, unsigned worst, jitter_done done, void *arg);
// Goes on with the scans; from a timer.
void jitter_tick(struct engine *engine);
// Ends all scans as they are.
void jitter_fini(struct engine *engine);

// Of the streams that packets have come of.
const struct histogram *jitter_of(const struct jitter_scan *scan, enum packet_side from); // ns
// The worst first.
unsigned jitter_worst(const struct jitter_scan *scan, const struct jitter_stream **streams);
