// SPDX-License-Identifier: BSD-3-Clause
// Methods of the agent's socket, for the crowfly client and local programs; the agent's one thread.
#include "control/agent/api.h"

#include "control/agent/api_list.h"
#include "control/agent/login.h"
#include "control/agent/notify.h"
#include "engine/api.h"
#include "engine/base/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct api {
	struct agent *agent;
	struct rpc_server *server;
};

#define AGENT(user) (((struct api *)(user))->agent)

static struct endpoint *endpoint_param(
	struct agent *agent, struct rpc_call *rpc, json_t *params, const char *field)
{
	const char *text = rpc_string(rpc, params, field, MSG_AOR_MAX - 1, true);
	struct endpoint *endpoint;
	char aor[MSG_AOR_MAX];

	if (!text)
		return NULL;
	if (msg_aor(text, aor)) {
		rpc_fail(rpc, RPC_INVALID_PARAMS, field, "%s is no address of record", field);
		return NULL;
	}
	endpoint = endpoint_find(agent, aor);
	if (!endpoint)
		rpc_fail(rpc, RPC_NOT_FOUND, field, "no such endpoint on this host");
	return endpoint;
}

static struct call *call_param(struct agent *agent, struct rpc_call *rpc, json_t *params)
{
	const char *id = rpc_string(rpc, params, "call", 24, true);
	struct call *call = id ? call_find(agent, id) : NULL;

	if (id && !call)
		rpc_fail(rpc, RPC_NOT_FOUND, "call", "no such call");
	return call;
}

// A peer that a logged-in endpoint may notify and call
static struct peer *peer_param(struct agent *agent, struct rpc_call *rpc, json_t *params,
	const char *endpoint_field, const char *field)
{
	struct endpoint *endpoint = endpoint_param(agent, rpc, params, endpoint_field);
	struct peer *peer;
	const char *text;
	char aor[MSG_AOR_MAX];

	text = endpoint ? rpc_string(rpc, params, field, MSG_AOR_MAX - 1, true) : NULL;
	if (!text)
		return NULL;
	if (msg_aor(text, aor)) {
		rpc_fail(rpc, RPC_INVALID_PARAMS, field, "%s is no address of record", field);
		return NULL;
	}
	if (!endpoint->has_tables || agent->stopping) {
		rpc_fail(rpc, RPC_REFUSED, endpoint_field, "%s is not logged in", endpoint->aor);
		rpc_fail_data(rpc, "status", json_integer(480));
		return NULL;
	}
	peer = peer_find(endpoint, aor);
	if (!peer) {
		rpc_fail(
			rpc, RPC_REFUSED, field, "%s is not on the list of %s", aor, endpoint->aor);
		rpc_fail_data(rpc, "status", json_integer(403));
	}
	return peer;
}

static json_t *place(void *user, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"from", "to", NULL};
	struct peer *peer;

	if (rpc_known(rpc, params, fields))
		return NULL;
	peer = peer_param(AGENT(user), rpc, params, "from", "to");
	if (!peer)
		return NULL;
	call_place(peer->endpoint, peer, rpc);
	return RPC_LATER;
}

static json_t *answer(void *user, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"call", NULL};
	struct call *call;

	if (rpc_known(rpc, params, fields))
		return NULL;
	call = call_param(AGENT(user), rpc, params);
	if (!call)
		return NULL;
	if (call_answer(call, rpc))
		return rpc_fail(rpc, RPC_REFUSED, "call", "the call does not ring here");
	return RPC_LATER;
}

static json_t *decline(void *user, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"call", "status", NULL};
	static const uint64_t fallback = 603;
	struct call *call;
	uint64_t status;

	if (rpc_known(rpc, params, fields))
		return NULL;
	call = call_param(AGENT(user), rpc, params);
	if (!call || rpc_uint(rpc, params, "status", 699, &fallback, &status))
		return NULL;
	if (status != 486 && status != 603)
		return rpc_fail(rpc, RPC_INVALID_PARAMS, "status", "status must be 486 or 603");
	if (call_decline(call, (int)status))
		return rpc_fail(rpc, RPC_REFUSED, "call", "the call does not ring here");
	return json_object();
}

static json_t *change(
	struct agent *agent, struct rpc_call *rpc, json_t *params, enum call_wish wish)
{
	static const char *const fields[] = {"call", NULL};
	struct call *call;

	if (rpc_known(rpc, params, fields))
		return NULL;
	call = call_param(agent, rpc, params);
	if (!call)
		return NULL;
	call_change(call, wish, rpc);
	return RPC_LATER;
}

static json_t *hold(void *user, struct rpc_call *rpc, json_t *params)
{
	return change(AGENT(user), rpc, params, CALL_HOLD);
}

static json_t *resume(void *user, struct rpc_call *rpc, json_t *params)
{
	return change(AGENT(user), rpc, params, CALL_RESUME);
}

static json_t *rekey(void *user, struct rpc_call *rpc, json_t *params)
{
	return change(AGENT(user), rpc, params, CALL_REKEY);
}

static json_t *hang_up_all(struct agent *agent)
{
	struct map_node *node, *next;
	json_int_t n = 0;

	MAP_FOREACH(&agent->calls->by_id, node, next)
	{
		call_hang_up(map_entry(node, struct call, by_id), "Hung up");
		n++;
	}
	return json_pack("{s:I}", "calls", n);
}

static json_t *hang_up(void *user, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"call", "all", NULL};
	static const bool fallback = false;
	struct call *call;
	bool all;

	if (rpc_known(rpc, params, fields) || rpc_bool(rpc, params, "all", &fallback, &all))
		return NULL;
	if (all)
		return hang_up_all(AGENT(user));
	call = call_param(AGENT(user), rpc, params);
	if (!call)
		return NULL;
	call_hang_up(call, "Hung up");
	return json_pack("{s:i}", "calls", 1);
}

static json_t *list_calls(void *user, struct rpc_call *rpc, json_t *params)
{
	return api_list_calls(AGENT(user), rpc, params);
}

static json_t *list_peers(void *user, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"endpoint", "after", "limit", NULL};
	struct endpoint *endpoint = NULL;

	if (rpc_known(rpc, params, fields))
		return NULL;
	if (json_object_get(params, "endpoint")) {
		endpoint = endpoint_param(AGENT(user), rpc, params, "endpoint");
		if (!endpoint)
			return NULL;
	}
	return api_list_peers(AGENT(user), endpoint, rpc, params);
}

static json_t *notify_peer(void *user, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"endpoint", "peer", NULL};
	struct peer *peer;

	if (rpc_known(rpc, params, fields))
		return NULL;
	peer = peer_param(AGENT(user), rpc, params, "endpoint", "peer");
	if (!peer)
		return NULL;
	if (peer->status == PEER_OFFLINE)
		api_refuse(rpc, 480, "The peer is offline");
	else if (peer->farewell)
		api_refuse(rpc, 480, "The endpoint logs out");
	else if (notify_check(peer, rpc))
		api_refuse(rpc, 491, "A notification of this peer is being waited for");
	return RPC_LATER;
}

static json_t *list_endpoints(void *user, struct rpc_call *rpc, json_t *params)
{
	struct map_node *node, *next;
	json_t *endpoints;

	if (rpc_known_none(rpc, params))
		return NULL;
	endpoints = json_array();
	MAP_FOREACH(&AGENT(user)->endpoints, node, next)
	json_array_append_new(endpoints, endpoint_json(map_entry(node, struct endpoint, node)));
	return json_pack("{s:o}", "endpoints", endpoints);
}

static json_t *log_in_or_out(
	struct agent *agent, struct rpc_call *rpc, json_t *params, void (*act)(struct endpoint *))
{
	static const char *const fields[] = {"endpoint", NULL};
	struct endpoint *endpoint;

	if (rpc_known(rpc, params, fields))
		return NULL;
	endpoint = endpoint_param(agent, rpc, params, "endpoint");
	if (!endpoint)
		return NULL;
	act(endpoint);
	return json_object();
}

static json_t *log_out(void *user, struct rpc_call *rpc, json_t *params)
{
	return log_in_or_out(AGENT(user), rpc, params, login_end);
}

static json_t *log_in(void *user, struct rpc_call *rpc, json_t *params)
{
	return log_in_or_out(AGENT(user), rpc, params, login_start);
}

static json_t *subscribe(void *user, struct rpc_call *rpc, json_t *params)
{

	(void)user;
	if (rpc_known_none(rpc, params))
		return NULL;
	rpc_conn_subscribe(rpc_call_conn(rpc), true);
	return json_object();
}

static const struct rpc_method methods[] = {
	{API_CALL_PLACE, place},
	{API_CALL_ANSWER, answer},
	{API_CALL_DECLINE, decline},
	{API_CALL_HANG_UP, hang_up},
	{API_CALL_HOLD, hold},
	{API_CALL_RESUME, resume},
	{API_CALL_REKEY, rekey},
	{API_CALL_LIST, list_calls},
	{API_PEER_LIST, list_peers},
	{API_PEER_NOTIFY, notify_peer},
	{API_ENDPOINT_LIST, list_endpoints},
	{API_ENDPOINT_LOG_OUT, log_out},
	{API_ENDPOINT_LOG_IN, log_in},
	{API_EVENTS, subscribe},
	{0},
};

void api_refuse(struct rpc_call *waiting, int status, const char *reason)
{
	if (!waiting)
		return;
	rpc_fail_data(waiting, "status", json_integer(status));
	rpc_reply_fail(waiting, RPC_REFUSED, NULL, "%d %s", status, reason);
}

static void notify(struct agent *agent, const char *event, json_t *params)
{
	if (agent->api && params)
		rpc_notify_all(agent->api->server, event, params);
	else
		json_decref(params);
}

void api_call_changed(struct call *call)
{
	notify(call->agent, API_EVENT_CALL, call_json(call));
}

void api_peer_changed(struct peer *peer)
{
	notify(peer->endpoint->agent, API_EVENT_PEER, peer_json(peer));
}

void api_endpoint_changed(struct endpoint *endpoint)
{
	notify(endpoint->agent, API_EVENT_ENDPOINT, endpoint_json(endpoint));
}

static int allow_group(struct api *api, char *error)
{
	const char *group = api->agent->config->socket_group;
	int rc = group ? rpc_server_allow_group(api->server, group) : 0;

	if (rc)
		snprintf(error, CONF_ERROR_MAX, "socket-group %.100s: %s", group,
			rc == -ENOENT ? "no such group" : strerror(-rc));
	return rc;
}

struct api *api_new(struct agent *agent, char *error)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		return NULL;
	api->agent = agent;
	api->server = rpc_server_new(agent->base, agent->config->socket, methods, api);
	if (!api->server) {
		snprintf(error, CONF_ERROR_MAX, "socket %.160s: %s", agent->config->socket,
			strerror(errno));
		free(api);
		return NULL;
	}
	if (allow_group(api, error)) {
		rpc_server_free(api->server);
		free(api);
		return NULL;
	}
	return api;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	api->agent->api = NULL;
	rpc_server_free(api->server);
	free(api);
}
