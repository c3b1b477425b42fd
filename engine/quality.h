// SPDX-License-Identifier: BSD-3-Clause
// Distributions over all sessions, for the metrics: none is named, all are counted. Control thread.
#pragma once

#include "engine/base/metrics.h"

#define QUALITY_SECONDS 10 // between two looks at a session

struct engine;
struct session;

struct quality {
	struct metrics_histogram jitter, loss, duration;
};

void quality_init(struct quality *quality);
// A session is added; is looked at by the scan, as often as that likes; is about to be removed.
// What it received from the wire is counted once in QUALITY_SECONDS, if anything came, and at the
// end.
void quality_begin(struct engine *engine, struct session *session);
void quality_scan(struct engine *engine, struct session *session);
void quality_end(struct engine *engine, struct session *session);
// All families.
void quality_write(const struct quality *quality, struct metrics *metrics);
