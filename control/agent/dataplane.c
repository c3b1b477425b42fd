// SPDX-License-Identifier: BSD-3-Clause
// Requests to the engine for the calls, and its events; the agent's one thread.
#include "control/agent/dataplane.h"

#include "control/agent/dataplane_private.h"
#include "engine/api.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct op {
	struct call *call;
	dataplane_cb done;
	void (*take)(struct call *call, json_t *result); // on success; may be NULL
};

bool dataplane_is_ready(const struct agent *agent)
{
	return agent->dataplane && rpc_client_connected(agent->dataplane->client);
}

static void answered(void *arg, json_t *result, json_t *error)
{
	struct op *op = arg;
	struct call *call = op->call;
	const char *message = json_string_value(json_object_get(error, "message"));

	if (result && op->take)
		op->take(call, result);
	if (result)
		op->done(call, NULL);
	else
		op->done(call, message ? message : "the engine has gone");
	free(op);
	call_release(call);
}

static void request(struct call *call, const char *method, json_t *params, dataplane_cb done,
	void (*take)(struct call *, json_t *))
{
	struct op *op = params ? malloc(sizeof(*op)) : NULL;

	call->busy++;
	if (!op) {
		json_decref(params);
		done(call, "out of memory");
		call_release(call);
		return;
	}
	*op = (struct op){call, done, take};
	rpc_client_call(call->agent->dataplane->client, method, params, answered, op);
}

static void take_session(struct call *call, json_t *result)
{
	call->session = json_integer_value(json_object_get(result, "id"));
	call->has_session = true;
	call->round = call->agent->dataplane->round;
}

void dataplane_add(struct call *call, dataplane_cb done)
{
	json_t *params = media_session(call->agent, &call->media);
	char *tag = call_tag(call);

	if (!params || !tag || json_object_set_new(params, "tag", json_string(tag))) {
		json_decref(params);
		params = NULL;
	}
	free(tag);
	request(call, API_SESSION_ADD, params, done, take_session);
}

void dataplane_update(struct call *call, json_t *changes, dataplane_cb done)
{
	if (changes)
		json_object_set_new(changes, "id", json_integer(call->session));
	request(call, API_SESSION_UPDATE, changes, done, NULL);
}

static void take_statistics(struct call *call, json_t *result)
{
	json_decref(call->statistics);
	call->statistics = json_incref(result);
}

void dataplane_remove(struct call *call, dataplane_cb done)
{
	json_t *params = json_pack("{s:I}", "id", call->session);

	call->has_session = false;
	request(call, API_SESSION_REMOVE, params, done, take_statistics);
}

// The call of an event, by its session's tag and id
static struct call *call_of(struct agent *agent, json_t *params)
{
	const char *text = json_string_value(json_object_get(params, "tag"));
	json_t *tag = dataplane_our_tag(agent, text);
	const char *id = json_string_value(json_object_get(tag, "call"));
	struct call *call = id ? call_find(agent, id) : NULL;

	json_decref(tag);
	if (call && call->has_session &&
		call->session == json_integer_value(json_object_get(params, "id")))
		return call;
	return NULL;
}

static void event(void *user, const char *method, json_t *params)
{
	struct dataplane *dataplane = user;
	struct call *call = call_of(dataplane->agent, params);

	if (!call)
		return;
	if (!strcmp(method, API_EVENT_KEY_EXHAUSTED)) {
		call_hang_up(call, "The keys are used up");
	} else if (!strcmp(method, API_EVENT_MEDIA_TIMEOUT)) {
		log_event(LOG_INFO, "%s: no media", call->id);
		// A call on hold is silent because it was asked to be
		if (dataplane->agent->config->hang_up_on_timeout && !call->media.held &&
			!call->media.peer_holds)
			call_hang_up(call, "No media");
	} else if (!strcmp(method, API_EVENT_REMOVED)) {
		// By somebody else: ours are forgotten before they are removed
		call->has_session = false;
		call_hang_up(call, "Its session was removed from the engine");
	}
}

json_t *dataplane_our_tag(const struct agent *agent, const char *text)
{
	json_t *tag = text && strlen(text) <= API_TAG_MAX ? json_loads(text, 0, NULL) : NULL;
	const char *owner = json_string_value(json_object_get(tag, "crowfly_agent"));

	if (owner && !strcmp(owner, agent->fingerprint))
		return tag;
	json_decref(tag);
	return NULL;
}

static void ignore(void *arg, json_t *result, json_t *error)
{
	(void)arg;
	(void)result;
	if (error)
		log_event(LOG_WARNING, "the engine does not tell us its events");
}

static void state(void *user, bool connected)
{
	struct dataplane *dataplane = user;

	log_event(LOG_NOTICE, connected ? "connected with the engine" : "the engine has gone");
	if (!connected)
		return;
	rpc_client_call(dataplane->client, API_EVENTS, json_object(), ignore, NULL);
	dataplane_compare(dataplane);
}

struct dataplane *dataplane_new(struct agent *agent)
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));

	if (!dataplane)
		return NULL;
	dataplane->agent = agent;
	dataplane->client =
		rpc_client_new(agent->base, agent->config->engine, state, event, dataplane);
	if (!dataplane->client) {
		free(dataplane);
		return NULL;
	}
	return dataplane;
}

void dataplane_free(struct dataplane *dataplane)
{
	if (!dataplane)
		return;
	dataplane->agent->dataplane = NULL;
	rpc_client_free(dataplane->client);
	free(dataplane);
}
