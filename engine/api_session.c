// SPDX-License-Identifier: BSD-3-Clause
// Carries the API's session methods out, each wholly or not at all. Control thread.
#include "engine/api_session.h"

#include <errno.h>
#include <string.h>

#include "engine/api.h"
#include "engine/api_params.h"
#include "engine/session.h"

#define DRAIN_MAX_S 86400

static int code_of(int rc)
{
	switch (rc) {
	case -ENOENT:
		return RPC_NOT_FOUND;
	case -EADDRINUSE:
		return RPC_IN_USE;
	case -ENOSPC:
	case -ENOMEM:
		return RPC_LIMIT;
	case -EINVAL:
	case -EADDRNOTAVAIL:
		return RPC_INVALID_PARAMS;
	case -ESHUTDOWN:
		return RPC_UNAVAILABLE;
	default:
		return RPC_INTERNAL_ERROR;
	}
}

static json_t *fail(struct rpc_call *call, int rc, const struct session_error *error)
{
	const char *text = error->text[0] ? error->text : strerror(-rc);

	return rpc_fail(call, code_of(rc), error->field, "%s%s%s", error->field ? error->field : "",
		error->field ? ": " : "", text);
}

static json_t *fail_no_session(struct rpc_call *call, uint64_t id)
{
	return rpc_fail(call, RPC_NOT_FOUND, "id", "id: no session %llu", (unsigned long long)id);
}

json_t *api_session_add(void *user, struct rpc_call *call, json_t *params)
{
	struct session_error error = {0};
	struct session_params session;
	json_t *result = NULL;
	uint32_t id;

	if (api_params_add(call, params, &session) == 0) {
		int rc = session_add(user, &session, &id, &error);

		if (rc < 0)
			fail(call, rc, &error);
		else if (!(result = json_pack("{s:I}", "id", (json_int_t)id)))
			session_remove(user, id); // nobody would know it
	}
	explicit_bzero(&session, sizeof(session));
	return result;
}

json_t *api_session_update(void *user, struct rpc_call *call, json_t *params)
{
	struct session_error error = {0};
	struct session_params session;
	unsigned changes;
	uint64_t id;
	int rc = -1;

	if (rpc_uint(call, params, "id", UINT32_MAX, RPC_REQUIRED, &id) < 0)
		return NULL;
	if (api_params_update(call, params, &session, &changes) == 0) {
		rc = session_update(user, (uint32_t)id, changes, &session, &error);
		if (rc < 0)
			fail(call, rc, &error);
	}
	explicit_bzero(&session, sizeof(session));
	return rc == 0 ? json_object() : NULL;
}

// The id of a request that has nothing else. False after rpc_fail().
static bool read_id(struct rpc_call *call, json_t *params, uint64_t *id)
{
	static const char *const known[] = {"id", NULL};

	return rpc_known(call, params, known) == 0 &&
	       rpc_uint(call, params, "id", UINT32_MAX, RPC_REQUIRED, id) == 0;
}

json_t *api_session_stats(void *user, struct rpc_call *call, json_t *params)
{
	struct session_info info;
	uint64_t id;

	if (!read_id(call, params, &id))
		return NULL;
	if (session_get(user, (uint32_t)id, &info) < 0)
		return fail_no_session(call, id);
	return api_params_show(&info);
}

json_t *api_session_remove(void *user, struct rpc_call *call, json_t *params)
{
	const struct session_error none = {0};
	uint64_t id;

	json_t *last = api_session_stats(user, call, params);
	if (!last)
		return NULL;
	rpc_uint(call, params, "id", UINT32_MAX, RPC_REQUIRED, &id);
	int rc = session_remove(user, (uint32_t)id);
	if (rc == 0)
		return last;
	json_decref(last);
	return fail(call, rc, &none);
}

json_t *api_session_drain(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"id", "idle_s", NULL};
	const uint64_t usual = API_DRAIN_IDLE_S;
	uint64_t id, idle_s;

	if (rpc_known(call, params, known) < 0 ||
		rpc_uint(call, params, "id", UINT32_MAX, RPC_REQUIRED, &id) < 0 ||
		rpc_uint(call, params, "idle_s", DRAIN_MAX_S, &usual, &idle_s) < 0)
		return NULL;
	if (idle_s == 0)
		return rpc_fail(call, RPC_INVALID_PARAMS, "idle_s",
			"idle_s: expected an integer from 1 to %d", DRAIN_MAX_S);
	if (session_drain(user, (uint32_t)id, (uint32_t)idle_s) < 0)
		return fail_no_session(call, id);
	return json_object();
}
