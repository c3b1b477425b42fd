// SPDX-License-Identifier: BSD-3-Clause
// Brings the engine's sessions and our calls together whenever the two have been apart; the agent's
// one thread.
#include "control/agent/dataplane_private.h"

#include "engine/api.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <string.h>

#define COMPARE_PAGE 200

static void ask(struct dataplane *dataplane, json_int_t after);

static void removed(void *arg, json_t *result, json_t *error)
{
	(void)arg;
	(void)result;
	(void)error;
}

static void remove_session(struct dataplane *dataplane, json_int_t id, const char *why)
{
	log_event(LOG_NOTICE, "session %lld of ours is removed from the engine: %s", (long long)id,
		why);
	rpc_client_call(
		dataplane->client, API_SESSION_REMOVE, json_pack("{s:I}", "id", id), removed, NULL);
}

static unsigned port_of(json_t *session, const char *side, const char *end)
{
	const char *text = json_string_value(json_object_get(json_object_get(session, side), end));
	struct sockaddr_storage address;

	return text && !address_parse(text, &address) ? address_port(&address) : 0;
}

// Somebody else's: its ports are not for us
static void leave_alone(struct agent *agent, json_t *session)
{
	media_ports_claim(agent->ports, port_of(session, "wire", "local"),
		port_of(session, "host", "local"), port_of(session, "host", "remote"));
}

static struct call *known(struct agent *agent, json_t *tag)
{
	json_t *dialog = json_object_get(tag, "dialog");

	return call_find_dialog(agent, json_string_value(json_object_get(dialog, "call_id")),
		json_string_value(json_object_get(dialog, "local_tag")));
}

static void compare_one(struct dataplane *dataplane, json_t *session)
{
	struct agent *agent = dataplane->agent;
	json_t *tag = dataplane_our_tag(agent, json_string_value(json_object_get(session, "tag")));
	json_int_t id = json_integer_value(json_object_get(session, "id"));
	struct call *call = tag ? known(agent, tag) : NULL;

	if (!tag) {
		leave_alone(agent, session);
	} else if (!call) {
		if (call_take_up(agent, session, tag, dataplane->round))
			remove_session(dataplane, id, "its call cannot be taken up");
	} else if (call->has_session && call->session == id) {
		call->round = dataplane->round;
	} else if (!call->busy) {
		remove_session(dataplane, id, "its call is another's");
	}
	json_decref(tag);
}

static void end_lost(struct dataplane *dataplane)
{
	struct map_node *node, *next;
	struct call *call;

	MAP_FOREACH(&dataplane->agent->calls->by_id, node, next)
	{
		call = map_entry(node, struct call, by_id);
		if (!call->has_session || call->round == dataplane->round)
			continue;
		call->has_session = false;
		call_hang_up(call, "The engine has lost its session");
	}
}

static void listed(void *arg, json_t *result, json_t *error)
{
	struct dataplane *dataplane = arg;
	json_t *session, *next = json_object_get(result, "next");
	size_t i;

	if (!result) {
		if (error)
			log_event(LOG_WARNING, "the engine does not list its sessions: %s",
				json_string_value(json_object_get(error, "message")));
		return;
	}
	json_array_foreach (json_object_get(result, "sessions"), i, session)
		compare_one(dataplane, session);
	if (json_is_integer(next))
		ask(dataplane, json_integer_value(next));
	else
		end_lost(dataplane);
}

static void ask(struct dataplane *dataplane, json_int_t after)
{
	rpc_client_call(dataplane->client, API_SESSION_LIST,
		json_pack("{s:I, s:I}", "after", after, "limit", (json_int_t)COMPARE_PAGE), listed,
		dataplane);
}

void dataplane_compare(struct dataplane *dataplane)
{
	dataplane->round++;
	ask(dataplane, 0);
}
