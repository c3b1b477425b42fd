// SPDX-License-Identifier: BSD-3-Clause
// Taking an engine out of service: no new sessions, those there go on. Control thread.
#pragma once

#include <stdbool.h>

#include "engine/engine.h"

struct drain {
	bool draining;
	bool for_good;	       // the engine is ending
	bool told_empty;       // the log has
	uint64_t cut_off_tick; // when the sessions left are removed; 0: never
};

// By a command: until drain_stop(). `cut_off_s`: removes the sessions left after so long; 0: never.
// A second one sets the time anew. -EALREADY: the engine is ending.
int drain_start(struct engine *engine, unsigned cut_off_s);
int drain_stop(struct engine *engine); // the same errors

// Seconds until the sessions left are removed; -1: never.
int drain_left_s(const struct engine *engine);

void drain_tick(struct engine *engine); // every tick of control.c
