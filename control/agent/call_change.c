// SPDX-License-Identifier: BSD-3-Clause
// INVITE inside a call (RFC 3261 section 14) as we ask for it: hold, resume, new keys; the agent's
// one thread.
//
// The engine takes new keys at once, without an overlap: the peer's when it answers, ours when the
// answer has come. What is on its way between the two fails authentication and is lost.
#include "control/agent/call.h"

#include "control/agent/api.h"
#include "control/agent/dataplane.h"
#include "control/agent/link.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GLARES_MAX 5

struct call_change {
	enum call_wish wish;
	struct rpc_call *waiting;
	struct event *timer; // until the next attempt; until an attempt is given up
	unsigned cseq;	     // of the INVITE, for its ACK
	unsigned glares;
	bool fresh; // keys
};

static const char *const wish_names[] = {"hold", "resume", "re-key"};

static void send_offer(struct call *call);

static void drop_next(struct call *call)
{
	if (call->next)
		media_wipe_keys(call->next);
	free(call->next);
	call->next = NULL;
}

static struct rpc_call *take_waiting(struct call *call)
{
	struct call_change *change = call->change;
	struct rpc_call *waiting = change->waiting;

	call->change = NULL;
	if (change->timer)
		event_free(change->timer);
	free(change);
	return waiting;
}

void call_change_drop(struct call *call, const char *reason)
{
	if (call->change)
		api_refuse(take_waiting(call), call->status >= 300 ? call->status : 487, reason);
}

static void set_timer(struct call *call, uint64_t ms, void (*fire)(evutil_socket_t, short, void *))
{
	struct call_change *change = call->change;

	if (change->timer)
		event_free(change->timer);
	change->timer = agent_timer(call->agent, fire, call);
	if (change->timer)
		agent_timer_ms(change->timer, ms);
}

// It stays as it was
static void refused(struct call *call, int status, const char *reason)
{
	log_event(LOG_INFO, "%s: %s refused: %d %s", call->id, wish_names[call->change->wish],
		status, reason);
	drop_next(call);
	api_refuse(take_waiting(call), status, reason);
}

// The peer has changed and we cannot
static void give_up(struct call *call, int status, const char *reason)
{
	log_event(LOG_WARNING, "%s: %s: %s", call->id, wish_names[call->change->wish], reason);
	call_send_bye(call);
	call_end(call, status, reason);
}

static void updated(struct call *call, const char *error)
{
	struct rpc_call *waiting;

	if (call->state == CALL_ENDED || !call->change || !call->next)
		return;
	if (error) {
		give_up(call, 500, "The engine refuses the change");
		return;
	}
	media_wipe_keys(&call->media);
	call->media = *call->next;
	drop_next(call);
	log_event(LOG_INFO, "%s: %s done: %s", call->id, wish_names[call->change->wish],
		media_direction_name(call->media.direction));
	api_call_changed(call);
	waiting = take_waiting(call);
	if (waiting)
		rpc_reply(waiting, call_json(call));
}

static void accepted(struct call *call, const struct msg *response)
{
	struct media *now = &call->media, *next = call->next;
	char error[128];
	json_t *object;

	call_send_ack(call, call->change->cseq);
	if (call_take_answer(next, response, error)) {
		give_up(call, 488, "The answer cannot be used");
		return;
	}
	if (!call->change->fresh && strcmp(now->rx.key, next->rx.key)) {
		// The peer has lost its keys in a restart and begins again with ROC 0. Ours must
		// not begin again under the same key (RFC 3711 section 9.1): once more, with new
		// ones
		drop_next(call);
		call->change->fresh = true;
		send_offer(call);
		return;
	}
	object = media_changes(now, next);
	if (!object) {
		give_up(call, 500, "Out of memory");
	} else if (!json_object_size(object)) {
		json_decref(object);
		updated(call, NULL);
	} else {
		dataplane_update(call, object, updated);
	}
}

static void try_again(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (call->request || call->next) // the peer's is under way
		set_timer(call, 100, try_again);
	else
		send_offer(call);
}

// Both have asked at a time (RFC 3261 section 14.1)
static void glare(struct call *call)
{
	unsigned ms = call->outgoing ? 2100 + 10 * agent_random(191) : 10 * agent_random(201);

	if (++call->change->glares >= GLARES_MAX) {
		refused(call, 491, "The peer asks for a change, too");
		return;
	}
	drop_next(call);
	set_timer(call, ms, try_again);
}

static void answered(void *arg, const struct msg *response, const char *why)
{
	struct call *call = arg;
	int status = response ? msg_status(response) : 408;

	if (response)
		call_peer_spoke(call);
	if (status < 200)
		return;
	call->invite = NULL;
	if (!call->change)
		return;
	if (!response)
		refused(call, status, why);
	else if (status < 300)
		accepted(call, response);
	else if (status == 491)
		glare(call);
	else if (status == 481)
		call_end(call, 481, "The peer does not know the call any more");
	else
		refused(call, status, msg_reason(response));
}

// Provisional responses have stopped the transaction's own timer
static void no_answer(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (!call->invite || call->request)
		return;
	transaction_cancel(call->invite);
	transaction_forget(call->invite);
	call->invite = NULL;
	refused(call, 408, "No final response");
}

static struct msg *build(struct call *call)
{
	struct call_change *change = call->change;
	struct media *next = call->next;
	struct msg *msg;
	char *sdp;
	int rc;

	if (change->wish != CALL_REKEY)
		next->held = change->wish == CALL_HOLD;
	next->direction = media_wanted(next);
	sdp = media_offer_again(call->agent, next, change->fresh);
	call->media.sdp_version = next->sdp_version; // used, whatever becomes of it
	msg = dialog_request(&call->dialog, call->agent, "INVITE", 0, call->endpoint->contact);
	change->cseq = call->dialog.local_cseq;
	rc = !sdp || !msg || msg_set_body(msg, "application/sdp", sdp, strlen(sdp)) ||
	     msg_add_header(msg, "Allow", AGENT_ALLOW);
	sdp_text_free(sdp);
	if (!rc)
		return msg;
	msg_free(msg);
	return NULL;
}

static void send_offer(struct call *call)
{
	struct agent *agent = call->agent;
	struct conn *conn;
	struct msg *msg;

	call->next = malloc(sizeof(*call->next));
	if (call->next)
		*call->next = call->media;
	msg = call->next ? build(call) : NULL;
	if (!msg) {
		refused(call, 500, "The request could not be built");
		return;
	}
	conn = link_get(agent, call->dialog.target, call->dialog.fingerprint);
	if (conn)
		call->invite = transaction_send(agent->transactions, conn, msg,
			agent->config->notify_timeout_s * 1000, answered, call);
	else
		msg_free(msg);
	if (!conn || !call->invite) {
		refused(call, 503, "No connection");
		return;
	}
	set_timer(call, TRANSACTION_TIMEOUT_MS, no_answer);
}

void call_change(struct call *call, enum call_wish wish, struct rpc_call *waiting)
{
	struct call_change *change;

	if (call->state != CALL_ESTABLISHED || !call->acked) {
		api_refuse(waiting, 409, "The call is not established");
		return;
	}
	if (call->change || call->invite || call->request || call->next) {
		api_refuse(waiting, 491, "A change of the call is under way");
		return;
	}
	if (wish != CALL_REKEY && call->media.held == (wish == CALL_HOLD)) {
		rpc_reply(waiting, call_json(call));
		return;
	}
	if (!dataplane_is_ready(call->agent)) {
		api_refuse(waiting, 503, "The engine is not there");
		return;
	}
	change = calloc(1, sizeof(*change));
	if (!change) {
		api_refuse(waiting, 500, "Out of memory");
		return;
	}
	change->wish = wish;
	change->waiting = waiting;
	// A call that was taken up from an earlier process: its keys are in the engine alone
	change->fresh = wish == CALL_REKEY || !*call->media.tx.key;
	call->change = change;
	send_offer(call);
}
