// SPDX-License-Identifier: BSD-3-Clause
// The ways that packets take through the stages: of each forwarding mode, and in it of what came
// from the wire, from the host and from the generator. Workers.
#pragma once

#include "engine/fwd_mode.h"
#include "engine/packet.h"
#include "engine/worker.h"

enum way_source { WAY_WIRE = SIDE_WIRE, WAY_HOST = SIDE_HOST, WAY_GENERATOR, WAY_SOURCES };

#define WAY_STAGES 13 // and what ends them

struct way {
	enum stage_id id;
	void (*run)(struct worker *worker, struct packet_batch *batch);
};

// Each ends with a stage that is NULL.
extern const struct way way_table[FWD_COUNT][WAY_SOURCES][WAY_STAGES];
