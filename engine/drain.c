// SPDX-License-Identifier: BSD-3-Clause
// Drains an engine: at its end, or by a command that can be taken back. Control thread.
#include "engine/drain.h"

#include <errno.h>
#include <stdio.h>

#include "engine/base/log.h"
#include "engine/base/sdnotify.h"
#include "engine/core.h"
#include "engine/gen.h"

#define CUT_A_TICK 256 // sessions: packets of others do not wait

static void tell_status(const char *status)
{
	char state[96];

	snprintf(state, sizeof(state), "STATUS=%s", status);
	sdnotify_send(state);
}

void engine_drain(struct engine *engine)
{
	gen_clear(engine);
	engine->drain = (struct drain){.draining = true, .for_good = true};
	tell_status("ending: no new sessions");
}

int drain_start(struct engine *engine, unsigned cut_off_s)
{
	struct drain *drain = &engine->drain;

	if (drain->for_good)
		return -EALREADY;
	gen_clear(engine);
	*drain = (struct drain){.draining = true};
	if (cut_off_s > 0)
		drain->cut_off_tick = engine->ticks + (uint64_t)cut_off_s * CONTROL_TICKS_A_SECOND;
	if (cut_off_s > 0)
		log_notice("draining: no new sessions, those left end in %u s: %u", cut_off_s,
			engine->sessions.count);
	else
		log_notice(
			"draining: no new sessions, those there go on: %u", engine->sessions.count);
	tell_status("draining: no new sessions");
	return 0;
}

int drain_stop(struct engine *engine)
{
	if (engine->drain.for_good)
		return -EALREADY;
	if (engine->drain.draining) {
		log_notice("draining no more");
		tell_status("ready");
	}
	engine->drain = (struct drain){0};
	return 0;
}

int drain_left_s(const struct engine *engine)
{
	uint64_t at = engine->drain.cut_off_tick;

	if (at == 0)
		return -1;
	if (at <= engine->ticks)
		return 0;
	return (int)((at - engine->ticks + CONTROL_TICKS_A_SECOND - 1) / CONTROL_TICKS_A_SECOND);
}

static void cut_off(struct engine *engine)
{
	uint32_t id;

	for (unsigned i = 0; i < CUT_A_TICK && (id = session_next(engine, 0)) != 0; i++)
		session_remove(engine, id);
}

void drain_tick(struct engine *engine)
{
	struct drain *drain = &engine->drain;

	if (!drain->draining || drain->for_good)
		return;
	if (drain->cut_off_tick == engine->ticks && engine->sessions.count > 0)
		log_warning("drain: sessions cut off: %u", engine->sessions.count);
	if (drain->cut_off_tick != 0 && engine->ticks >= drain->cut_off_tick)
		cut_off(engine);
	if (engine->sessions.count == 0 && !drain->told_empty) {
		drain->told_empty = true;
		log_notice("drained: no session is left");
		tell_status("drained: no session is left");
	}
}
