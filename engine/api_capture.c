// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for captures. They are answered once the file is open, and once it is closed:
// the disk may take its time, the control thread does not wait for it. Control thread.
#include "engine/api_capture.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "engine/api_port.h"
#include "engine/base/log.h"
#include "engine/capture.h"
#include "engine/capture_lane.h"
#include "engine/core.h"

#define SECONDS_MAX 86400

// Who waits for the capture to begin, and to end: there is one capture at a time.
static struct rpc_call *starting, *stopping;

static json_t *show(struct engine *engine)
{
	static const char *const states[] = {[CAPTURE_NONE] = "none",
		[CAPTURE_OPENING] = "opening",
		[CAPTURE_RUNNING] = "running",
		[CAPTURE_ENDING] = "ending",
		[CAPTURE_ENDED] = "ended"};
	json_t *ports = json_array();
	struct capture_info c;

	if (!capture_get(engine, &c)) {
		json_decref(ports);
		return json_pack("{s:s}", "state", states[CAPTURE_NONE]);
	}
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		if (c.roles & 1u << role)
			json_array_append_new(ports, json_string(worker_role_names[role]));
	return json_pack("{s:s, s:s?, s:s, s:o, s:o, s:I, s:I, s:I, s:f, s:i, s:o, s:o}", "state",
		states[c.state], "reason", c.reason, "file", c.path, "session",
		c.session ? json_integer(c.session) : json_null(), "ports", ports, "packets",
		(json_int_t)c.packets, "bytes", (json_int_t)c.bytes, "dropped",
		(json_int_t)c.dropped, "elapsed_s", c.elapsed_s, "snaplen", (int)c.snaplen, "count",
		c.count ? json_integer((json_int_t)c.count) : json_null(), "seconds",
		c.seconds ? json_integer(c.seconds) : json_null());
}

// ---- answers that come later

static void changed(void *arg)
{
	struct engine *engine = arg;
	struct capture_info info;

	capture_get(engine, &info);
	if (starting && info.state == CAPTURE_RUNNING) {
		rpc_reply(starting, show(engine));
		starting = NULL;
	} else if (starting && info.state == CAPTURE_ENDED) {
		rpc_reply_fail(starting, RPC_REFUSED, "file", "file: %s", info.reason);
		starting = NULL;
	}
	if (stopping && info.state == CAPTURE_ENDED) {
		rpc_reply(stopping, show(engine));
		stopping = NULL;
	}
}

void api_capture_init(struct engine *engine)
{
	capture_on_change(engine, changed, engine);
}

void api_capture_fini(struct engine *engine)
{
	capture_on_change(engine, NULL, NULL);
	if (starting)
		rpc_reply_fail(starting, RPC_UNAVAILABLE, NULL, "the engine stops");
	if (stopping)
		rpc_reply_fail(stopping, RPC_UNAVAILABLE, NULL, "the engine stops");
	starting = stopping = NULL;
}

// ---- methods

static int refuse_decrypted(struct rpc_call *call, const char *field)
{
	rpc_fail(call, RPC_REFUSED, field,
		"%s: it would be decrypted media: the engine was not started with "
		"allow-decrypted-capture",
		field);
	return -1;
}

// Of a session, the wire side alone, unless the other one is asked for.
static int read_session(
	struct engine *engine, struct rpc_call *call, json_t *params, struct capture_params *out)
{
	const bool no = false;
	bool decrypted;
	uint64_t id;

	if (rpc_uint(call, params, "session", UINT32_MAX, RPC_REQUIRED, &id) < 0 ||
		rpc_bool(call, params, "decrypted", &no, &decrypted) < 0)
		return -1;
	if (decrypted && !engine->config.allow_decrypted_capture)
		return refuse_decrypted(call, "decrypted");
	out->session = (uint32_t)id;
	out->roles = 1u << ROLE_WIRE | (decrypted ? 1u << ROLE_HOST : 0);
	if (session_table_find(&engine->sessions, out->session))
		return 0;
	rpc_fail(call, RPC_NOT_FOUND, "session", "session: no session %u", out->session);
	return -1;
}

static int read_port(
	struct engine *engine, struct rpc_call *call, json_t *params, struct capture_params *out)
{
	out->roles = api_port_read(engine, call, params, true);
	if (out->roles == 0)
		return -1;
	if ((out->roles & 1u << ROLE_HOST) && !engine->config.allow_decrypted_capture)
		return refuse_decrypted(call, "port");
	return 0;
}

static int read_limits(struct rpc_call *call, json_t *params, struct capture_params *out)
{
	const uint64_t none = 0;
	uint64_t seconds, snaplen;

	if (rpc_uint(call, params, "count", UINT32_MAX, &none, &out->count) < 0 ||
		rpc_uint(call, params, "seconds", SECONDS_MAX, &none, &seconds) < 0 ||
		rpc_uint(call, params, "snaplen", 65535, &none, &snaplen) < 0)
		return -1;
	out->seconds = (unsigned)seconds;
	out->snaplen = (uint32_t)snaplen;
	return 0;
}

static int read_params(
	struct engine *engine, struct rpc_call *call, json_t *params, struct capture_params *out)
{
	static const char *const known[] = {
		"file", "session", "port", "decrypted", "count", "seconds", "snaplen", NULL};
	bool session = json_object_get(params, "session") != NULL;

	memset(out, 0, sizeof(*out));
	if (rpc_known(call, params, known) < 0)
		return -1;
	if (session == (json_object_get(params, "port") != NULL)) {
		rpc_fail(call, RPC_INVALID_PARAMS, "session", "expected either session or port");
		return -1;
	}
	if (session ? read_session(engine, call, params, out) < 0
		    : read_port(engine, call, params, out) < 0)
		return -1;
	out->path = rpc_string(call, params, "file", PATH_MAX - 1, true);
	if (!out->path)
		return -1;
	if (out->path[0] == '/')
		return read_limits(call, params, out);
	rpc_fail(call, RPC_INVALID_PARAMS, "file",
		"file: expected an absolute path: it is the engine that writes, not the client");
	return -1;
}

json_t *api_capture_start(void *user, struct rpc_call *call, json_t *params)
{
	char error[CAPTURE_ERROR_MAX] = "";
	struct engine *engine = user;
	struct capture_params capture;
	int rc;

	if (read_params(engine, call, params, &capture) < 0)
		return NULL;
	rc = capture_start(engine, &capture, error);
	if (rc != 0)
		return rpc_fail(call, rc == -EBUSY ? RPC_IN_USE : RPC_LIMIT, NULL, "%s", error);
	log_notice("capture into %s%s", capture.path,
		capture.roles & 1u << ROLE_HOST ? ", decrypted media in it" : "");
	starting = call;
	return RPC_LATER;
}

json_t *api_capture_stop(void *user, struct rpc_call *call, json_t *params)
{
	enum capture_state state = capture_state(user);

	if (rpc_known_none(call, params) < 0)
		return NULL;
	if (state == CAPTURE_NONE || state == CAPTURE_ENDED)
		return rpc_fail(call, RPC_NOT_FOUND, NULL, "no capture is under way");
	if (stopping)
		return rpc_fail(call, RPC_IN_USE, NULL, "the capture is ending");
	stopping = call;
	capture_stop(user, "stopped");
	return RPC_LATER;
}

json_t *api_capture_show(void *user, struct rpc_call *call, json_t *params)
{

	return rpc_known_none(call, params) == 0 ? show(user) : NULL;
}
