// SPDX-License-Identifier: BSD-3-Clause
// Whether the engine is well, in one list. Control thread.
#pragma once

#include "engine/drop.h"
#include "engine/engine.h"

enum health_state { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

struct health_item {
	const char *name;
	enum health_state state;
	char text[192];
};
#define HEALTH_ITEMS 16

// What was counted before, to tell what rises and what stands still.
struct health {
	uint64_t iterations[2][ENGINE_WORKERS_MAX]; // at the last second and the one before
	uint64_t drops[2][DROP_COUNT];		    // at the last 10 s and the ones before
	uint64_t drops_second[2];		    // when
	uint64_t start_tsc, start_ns;
};

void health_init(struct engine *engine);
void health_second(struct engine *engine); // every second of control.c

// Fills `items` (HEALTH_ITEMS); their number. *worst: of them all.
unsigned health_get(struct engine *engine, struct health_item items[], enum health_state *worst);
const char *health_state_name(enum health_state state); // "OK", "WARN", "FAIL"
