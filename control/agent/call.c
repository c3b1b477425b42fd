// SPDX-License-Identifier: BSD-3-Clause
// What calls of both directions have in common: their table, their states, their end; the agent's
// one thread.
#include "control/agent/call.h"

#include "control/agent/api.h"
#include "control/agent/dataplane.h"
#include "control/agent/link.h"
#include "engine/api.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {"calling", "ringing", "established", "ended"};

struct calls *calls_new(struct agent *agent)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	if (calls)
		calls->agent = agent;
	return calls;
}

static void destroy(struct call *call)
{
	call_stop_timer(call);
	call_change_drop(call, "the agent stops");
	if (call->invite)
		transaction_forget(call->invite);
	msg_free(call->request);
	media_close(call->agent, &call->media);
	if (call->next)
		media_wipe_keys(call->next);
	free(call->next);
	json_decref(call->statistics);
	free(call);
}

void calls_free(struct calls *calls)
{
	struct map_node *node, *next;

	if (!calls)
		return;
	MAP_FOREACH(&calls->by_id, node, next)
	{
		struct call *call = map_entry(node, struct call, by_id);

		map_del(&calls->by_id, &call->by_id);
		map_del(&calls->by_dialog, &call->by_dialog);
		if (call->waiting)
			rpc_reply_fail(call->waiting, RPC_UNAVAILABLE, NULL, "the agent stops");
		destroy(call);
	}
	map_fini(&calls->by_id);
	map_fini(&calls->by_dialog);
	free(calls);
}

struct call *call_find(struct agent *agent, const char *id)
{
	struct map_node *node = map_find(&agent->calls->by_id, id);

	return node ? map_entry(node, struct call, by_id) : NULL;
}

struct call *call_find_dialog(struct agent *agent, const char *call_id, const char *local_tag)
{
	struct map_node *node;
	char key[DIALOG_KEY_MAX];

	if (!call_id || !local_tag || strlen(call_id) >= DIALOG_CALL_ID_MAX ||
		strlen(local_tag) >= DIALOG_TAG_MAX)
		return NULL;
	dialog_key(call_id, local_tag, key);
	node = map_find(&agent->calls->by_dialog, key);
	return node ? map_entry(node, struct call, by_dialog) : NULL;
}

json_t *call_json(const struct call *call)
{
	const struct dialog *dialog = &call->dialog;
	const char *from = call->outgoing ? dialog->local : dialog->remote;
	const char *to = call->outgoing ? dialog->remote : dialog->local;
	json_t *object, *payloads = json_array();
	char address[ADDRESS_MAX];
	unsigned i;

	object = json_pack("{s:s, s:s, s:s, s:s, s:s}", "call", call->id, "direction",
		call->outgoing ? "out" : "in", "from", from, "to", to, "state",
		state_names[call->state]);
	if (!object || !payloads) {
		json_decref(payloads);
		return object;
	}
	if (call->media.open) {
		media_send_to(call->agent, &call->media, address);
		json_object_set_new(object, "send_to", json_string(address));
		media_receive_at(call->agent, &call->media, address);
		json_object_set_new(object, "receive_at", json_string(address));
	}
	for (i = 0; i < call->media.n_payloads; i++)
		json_array_append_new(payloads, json_string(call->media.payloads[i].rtpmap));
	json_object_set_new(object, "payloads", payloads);
	if (*call->media.tx.suite)
		json_object_set_new(object, "suite", json_string(call->media.tx.suite));
	if (call->state == CALL_ESTABLISHED) {
		json_object_set_new(object, "media_direction",
			json_string(media_direction_name(call->media.direction)));
		json_object_set_new(object, "hold", json_string(media_hold_name(&call->media)));
	}
	if (call->has_session)
		json_object_set_new(object, "session", json_integer(call->session));
	if (call->status) {
		json_object_set_new(object, "status", json_integer(call->status));
		json_object_set_new(object, "reason", json_string(call->reason));
	}
	if (call->request_ms > 0)
		json_object_set_new(object, "request_ms", json_real(call->request_ms));
	if (call->setup_ms > 0)
		json_object_set_new(object, "setup_ms", json_real(call->setup_ms));
	if (call->statistics)
		json_object_set(object, "statistics", call->statistics);
	return object;
}

struct call *call_new(struct endpoint *endpoint, bool outgoing)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->agent = endpoint->agent;
	call->endpoint = endpoint;
	call->outgoing = outgoing;
	call->began_us = agent_now_us();
	return call;
}

// A peer that has left the list meanwhile took its count along
static void count(struct call *call, int change)
{
	struct peer *peer = peer_find(call->endpoint, call->dialog.remote);

	call->endpoint->calls += change;
	if (peer && (change > 0 || peer->calls))
		peer->calls += change;
}

int call_index(struct call *call, const char *id)
{
	struct calls *calls = call->agent->calls;
	int rc;

	if (id)
		snprintf(call->id, sizeof(call->id), "%s", id);
	else
		snprintf(call->id, sizeof(call->id), "c%" PRIu64, ++calls->next_id);
	rc = map_add(&calls->by_id, &call->by_id, call->id);
	if (rc)
		return rc;
	rc = map_add(&calls->by_dialog, &call->by_dialog, call->dialog.key);
	if (rc)
		map_del(&calls->by_id, &call->by_id);
	else
		count(call, 1);
	return rc;
}

void call_free(struct call *call)
{
	destroy(call);
}

void call_set_state(struct call *call, enum call_state state)
{
	call->state = state;
	if (state != CALL_ENDED)
		log_event(LOG_INFO, "%s %s -> %s: %s", call->id,
			call->outgoing ? call->dialog.local : call->dialog.remote,
			call->outgoing ? call->dialog.remote : call->dialog.local,
			state_names[state]);
	api_call_changed(call);
}

void call_stop_timer(struct call *call)
{
	if (call->timer)
		event_free(call->timer);
	call->timer = NULL;
}

void call_set_timer(struct call *call, uint64_t ms, void (*fire)(evutil_socket_t, short, void *))
{
	call_stop_timer(call);
	call->timer = agent_timer(call->agent, fire, call);
	if (call->timer)
		agent_timer_ms(call->timer, ms);
}

int call_take_answer(struct media *media, const struct msg *msg, char *error)
{
	const char *type = msg_body_type(msg), *body;
	size_t length = 0;

	body = msg_body(msg, &length);
	if (body && type && !strcmp(type, "application/sdp"))
		return media_take_answer(media, body, length, error);
	snprintf(error, 128, "no session description");
	return -EINVAL;
}

void call_peer_spoke(struct call *call)
{
	struct peer *peer = peer_find(call->endpoint, call->dialog.remote);

	if (peer)
		peer_spoke(peer);
}

static void fail_waiting(struct call *call)
{
	struct rpc_call *waiting = call->waiting;

	call->waiting = NULL;
	if (!waiting)
		return;
	rpc_fail_data(waiting, "call", json_string(call->id));
	api_refuse(waiting, call->status, call->reason);
}

// The engine has nothing of it any more: the ports are free
static void finish(struct call *call)
{
	struct agent *agent = call->agent;

	if (call->media.open)
		media_close(agent, &call->media);
	api_call_changed(call);
	agent->calls->held--;
	destroy(call);
	agent_check_stopped(agent);
}

static void removed(struct call *call, const char *error)
{
	if (error)
		log_event(LOG_WARNING, "%s: the engine did not remove its session: %s", call->id,
			error);
}

void call_release(struct call *call)
{
	call->busy--;
	if (call->state != CALL_ENDED)
		return;
	if (call->has_session)
		dataplane_remove(call, removed);
	else if (!call->busy)
		finish(call);
}

// A re-INVITE of the peer that waits for the engine gets its answer still
static void end_invite(struct call *call)
{
	struct transaction *invite = call->invite;
	struct msg *response;

	call->invite = NULL;
	if (!invite)
		return;
	transaction_forget(invite);
	response = call->request ? msg_new_response(call->request, 487, "Request Terminated",
					   call->dialog.local_tag)
				 : NULL;
	if (response)
		transaction_answer(invite, response);
}

void call_end(struct call *call, int status, const char *reason)
{
	struct calls *calls = call->agent->calls;

	if (call->state == CALL_ENDED)
		return;
	if (call->state == CALL_ESTABLISHED && call->setup_ms > 0)
		meter_call_lasted(&call->agent->meter,
			(double)(agent_now_us() - call->began_us) / 1e6 - call->setup_ms / 1e3);
	call->state = CALL_ENDED;
	call->status = status;
	meter_call_ended(&call->agent->meter, call->outgoing, status);
	snprintf(call->reason, sizeof(call->reason), "%s", reason);
	log_event(LOG_INFO, "%s %s -> %s: ended: %d %s", call->id,
		call->outgoing ? call->dialog.local : call->dialog.remote,
		call->outgoing ? call->dialog.remote : call->dialog.local, status, reason);
	call_stop_timer(call);
	end_invite(call);
	media_wipe_keys(&call->media);
	map_del(&calls->by_id, &call->by_id);
	map_del(&calls->by_dialog, &call->by_dialog);
	count(call, -1);
	calls->held++;
	fail_waiting(call);
	call_change_drop(call, call->reason);
	call->busy++;
	call_release(call);
}

void call_end_fmt(struct call *call, int status, const char *fmt, ...)
{
	char reason[sizeof(call->reason)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	call_end(call, status, reason);
}

static void bye_answered(void *arg, const struct msg *response, const char *why)
{
	(void)arg;
	if (!response)
		log_event(LOG_INFO, "BYE got no answer: %s", why);
}

void call_send_bye(struct call *call)
{
	struct agent *agent = call->agent;
	struct conn *conn;
	struct msg *msg;

	msg = dialog_request(&call->dialog, agent, "BYE", 0, call->endpoint->contact);
	conn = msg ? link_get(agent, call->dialog.target, call->dialog.fingerprint) : NULL;
	if (conn) {
		if (transaction_send(agent->transactions, conn, msg, 0, bye_answered, NULL))
			return;
	} else {
		msg_free(msg);
	}
	log_event(LOG_INFO, "%s: BYE could not be sent", call->id);
}

void call_send_ack(struct call *call, unsigned cseq)
{
	struct agent *agent = call->agent;
	struct conn *conn;
	struct msg *msg;

	msg = dialog_request(&call->dialog, agent, "ACK", cseq, call->endpoint->contact);
	conn = msg ? link_get(agent, call->dialog.target, call->dialog.fingerprint) : NULL;
	if (conn)
		conn_send(conn, msg);
	msg_free(msg);
}

void call_hang_up(struct call *call, const char *reason)
{
	if (call->state == CALL_ESTABLISHED) {
		call_send_bye(call);
		call_end(call, 200, reason);
	} else if (call->state == CALL_ENDED || call->hanging_up) {
		return;
	} else if (call->adding || call->outgoing) {
		call->hanging_up = true;
		call->end_status = 487;
		call->end_reason = reason;
		if (call->invite && call->outgoing)
			transaction_cancel(call->invite);
	} else {
		call_decline(call, 603);
	}
}

char *call_tag(const struct call *call)
{
	json_t *tag, *payloads = json_array();
	char *text;
	unsigned i;

	for (i = 0; i < call->media.n_payloads; i++)
		json_array_append_new(payloads, json_string(call->media.payloads[i].rtpmap));
	tag = json_pack("{s:s, s:s, s:b, s:o, s:I, s:o, s:o}", "crowfly_agent",
		call->agent->fingerprint, "call", call->id, "outgoing", call->outgoing, "dialog",
		dialog_json(&call->dialog), "sdp_id", (json_int_t)call->media.sdp_id, "payloads",
		payloads, "streams", media_lines_json(&call->media));
	if (!tag)
		return NULL;
	text = json_dumps(tag, JSON_COMPACT);
	json_decref(tag);
	if (text && strlen(text) >= API_TAG_MAX) {
		free(text);
		return NULL;
	}
	return text;
}
