// SPDX-License-Identifier: BSD-3-Clause
// The life of a capture: the file is opened by its thread, then the workers are told of it; at the
// end first the workers let go, then the thread writes what is left. Control thread.
#include "engine/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/base/log.h"
#include "engine/capture_file.h"
#include "engine/core.h"
#include "engine/rcu.h"
#include "engine/worker_port.h"

#define END_S 5 // that the end of the engine waits for the disk

struct capture {
	struct capture_params params; // path: ours
	struct capture_tap tap;
	struct capture_file file;
	enum capture_state state;
	uint64_t began_tsc, ended_tsc;
	const char *reason;
};

static void set_state(struct engine *engine, enum capture_state state)
{
	struct capture *c = engine->shared.capture;

	c->state = state;
	if (state == CAPTURE_ENDED)
		c->ended_tsc = rte_rdtsc();
	if (engine->on_capture)
		engine->on_capture(engine->on_capture_arg);
}

struct capture_tap *capture_tap(struct capture *capture)
{
	return &capture->tap;
}

// ---- which packets

static struct capture_match *new_match(const struct session *session)
{
	struct capture_match *match = calloc(1, sizeof(*match));

	if (!match)
		return NULL;
	match->sides[SIDE_WIRE] = (struct capture_match_side){session->wire_local.ip,
		session->wire_remote.ip, session->wire_local.port, session->wire_remote.port};
	match->sides[SIDE_HOST] = (struct capture_match_side){session->host_local.ip,
		session->host_remote.ip, session->host_local.port, session->host_remote.port};
	return match;
}

static void end_match(void *arg, void *object)
{
	(void)arg;
	free(object);
}

// The session may have got other addresses, or have gone.
static void follow_session(struct engine *engine, struct capture *c)
{
	const struct session *session = session_table_find(&engine->sessions, c->params.session);
	struct capture_match *old = (struct capture_match *)c->tap.match, *match;

	if (!session) {
		capture_stop(engine, "the session was removed");
		return;
	}
	match = new_match(session);
	if (!match || memcmp(match, old, sizeof(*match)) == 0) {
		free(match);
		return;
	}
	rcu_assign_pointer(c->tap.match, match);
	retire(engine->retire, end_match, old);
}

// ---- the workers

static void set_special(struct engine *engine, unsigned roles, bool captured)
{
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		uint8_t *special = &engine->shared.special[role];

		if (!(roles & 1u << role))
			continue;
		if (captured)
			__atomic_or_fetch(special, WORKER_PORT_CAPTURED, __ATOMIC_RELEASE);
		else
			__atomic_and_fetch(
				special, (uint8_t)~WORKER_PORT_CAPTURED, __ATOMIC_RELEASE);
	}
}

// No worker copies any more.
static void workers_let_go(void *arg, void *object)
{
	struct capture *c = object;

	(void)arg;
	__atomic_store_n(&c->file.finish, 1, __ATOMIC_RELEASE);
}

// ---- the API

static void free_capture(struct capture *c)
{
	free((char *)c->params.path);
	free((struct capture_match *)c->tap.match);
	capture_lane_fini(&c->tap);
	free(c);
}

static int fail(char *error, int rc, const char *text)
{
	snprintf(error, CAPTURE_ERROR_MAX, "%s", text);
	return rc;
}

static struct capture *new_capture(
	const struct engine *engine, const struct capture_params *params, const struct session *s)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->params = *params;
	if (params->snaplen == 0 || params->snaplen > CAPTURE_SNAPLEN_MAX)
		c->params.snaplen = CAPTURE_SNAPLEN_MAX;
	c->params.path = strdup(params->path);
	if (c->params.path &&
		capture_lane_init(&c->tap, engine->shared.n_workers, c->params.snaplen) == 0)
		c->tap.match = s ? new_match(s) : NULL;
	if (!c->tap.lanes || (s && !c->tap.match)) {
		free_capture(c);
		return NULL;
	}
	c->file = (struct capture_file){.path = c->params.path,
		.tap = &c->tap,
		.count = params->count,
		.tsc_hz = engine->shared.tsc_hz};
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		c->file.devices[role] = engine->ports[role].device;
	return c;
}

int capture_start(struct engine *engine, const struct capture_params *params, char *error)
{
	struct capture *c = engine->shared.capture;
	const struct session *session = NULL;

	if (c && c->state != CAPTURE_ENDED)
		return fail(error, -EBUSY, "a capture is under way: capture stop ends it");
	if (params->session > 0) {
		session = session_table_find(&engine->sessions, params->session);
		if (!session)
			return fail(error, -ENOENT, "no such session");
	}
	if (c)
		free_capture(c);
	engine->shared.capture = c = new_capture(engine, params, session);
	if (!c)
		return fail(error, -ENOMEM, "out of memory for the captured packets");
	c->began_tsc = rte_rdtsc();
	c->state = CAPTURE_OPENING;
	if (capture_file_start(&c->file) != 0) {
		engine->shared.capture = NULL;
		free_capture(c);
		return fail(error, -ENOMEM, "no thread for the file");
	}
	return 0;
}

void capture_stop(struct engine *engine, const char *reason)
{
	struct capture *c = engine->shared.capture;

	if (!c || c->state == CAPTURE_ENDING || c->state == CAPTURE_ENDED)
		return;
	c->reason = reason;
	set_special(engine, c->params.roles, false);
	set_state(engine, CAPTURE_ENDING);
	retire(engine->retire, workers_let_go, c);
}

void capture_on_change(struct engine *engine, void (*changed)(void *arg), void *arg)
{
	engine->on_capture = changed;
	engine->on_capture_arg = arg;
}

enum capture_state capture_state(const struct engine *engine)
{
	return engine->shared.capture ? engine->shared.capture->state : CAPTURE_NONE;
}

bool capture_get(const struct engine *engine, struct capture_info *info)
{
	const struct capture *c = engine->shared.capture;
	bool closed;
	uint64_t end;

	memset(info, 0, sizeof(*info));
	if (!c)
		return false;
	closed = capture_file_state(&c->file) == CAPTURE_FILE_CLOSED;
	end = c->state == CAPTURE_ENDED ? c->ended_tsc : rte_rdtsc();
	*info = (struct capture_info){.state = c->state,
		.path = c->params.path,
		.roles = c->params.roles,
		.session = c->params.session,
		.count = c->params.count,
		.packets = counter_get(&c->file.packets),
		.bytes = counter_get(&c->file.bytes),
		.dropped = closed ? c->file.dropped : capture_lane_dropped(&c->tap),
		.seconds = c->params.seconds,
		.snaplen = c->params.snaplen,
		.elapsed_s = (double)(end - c->began_tsc) / (double)engine->shared.tsc_hz,
		.reason = c->state == CAPTURE_ENDED ? c->reason : NULL,
		.failed = closed && c->file.error[0]};
	return true;
}

// ---- the timer

// The thread has closed the file, by itself or because it was told to.
static void file_closed(struct engine *engine, struct capture *c)
{
	if (c->file.reason)
		c->reason = c->file.reason;
	if (c->state != CAPTURE_ENDING)
		capture_stop(engine, c->reason);
	if (!__atomic_load_n(&c->file.finish, __ATOMIC_RELAXED))
		return; // a worker may still copy
	capture_file_join(&c->file, END_S);
	log_notice("capture into %s ended: %s; %" PRIu64 " packets, %" PRIu64 " not taken",
		c->params.path, c->reason, c->file.packets, c->file.dropped);
	set_state(engine, CAPTURE_ENDED);
}

void capture_tick(struct engine *engine)
{
	struct capture *c = engine->shared.capture;

	if (!c || c->state == CAPTURE_ENDED)
		return;
	switch (capture_file_state(&c->file)) {
	case CAPTURE_FILE_OPENING:
		break;
	case CAPTURE_FILE_WRITING:
		if (c->state == CAPTURE_OPENING) {
			c->began_tsc = rte_rdtsc();
			set_special(engine, c->params.roles, true);
			set_state(engine, CAPTURE_RUNNING);
		}
		if (c->state == CAPTURE_RUNNING && c->params.session > 0)
			follow_session(engine, c);
		if (c->params.seconds > 0 &&
			rte_rdtsc() - c->began_tsc >= c->params.seconds * engine->shared.tsc_hz)
			capture_stop(engine, "seconds are over");
		break;
	case CAPTURE_FILE_CLOSED:
		file_closed(engine, c);
		break;
	}
}

void capture_free(struct engine *engine)
{
	struct capture *c = engine->shared.capture;

	if (!c)
		return;
	if (c->state != CAPTURE_ENDED) {
		__atomic_store_n(&c->file.finish, 1, __ATOMIC_RELEASE);
		if (!capture_file_join(&c->file, END_S)) {
			log_warning(
				"capture: %s cannot be finished: the disk hangs", c->params.path);
			return; // its thread still uses the memory
		}
	}
	free_capture(c);
	engine->shared.capture = NULL;
}
