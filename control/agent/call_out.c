// SPDX-License-Identifier: BSD-3-Clause
// Calls that we place: nothing is set up in the engine before the peer has granted; the agent's one
// thread.
#include "control/agent/call.h"

#include "control/agent/api.h"
#include "control/agent/dataplane.h"
#include "control/agent/link.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void answered(void *arg, const struct msg *response, const char *why);

static double since_ms(const struct call *call)
{
	return (agent_now_us() - call->began_us) / 1000.0;
}

static struct msg *build_invite(struct call *call)
{
	const struct dialog *dialog = &call->dialog;
	struct msg *msg;
	char *sdp;
	int rc;

	msg = endpoint_request(call->endpoint, "INVITE", dialog->remote, dialog->target,
		dialog->call_id, dialog->local_tag);
	if (!msg)
		return NULL;
	sdp = media_offer(call->agent, &call->media);
	rc = !sdp || msg_set_body(msg, "application/sdp", sdp, strlen(sdp)) ||
	     msg_add_header(msg, "Allow", AGENT_ALLOW);
	sdp_text_free(sdp);
	if (!rc)
		return msg;
	msg_free(msg);
	return NULL;
}

static void no_answer(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (!call->invite)
		return;
	call->hanging_up = true;
	call->end_status = 408;
	call->end_reason = "No Answer";
	transaction_cancel(call->invite);
}

static void send_invite(struct call *call)
{
	struct agent *agent = call->agent;
	struct msg *msg = build_invite(call);
	struct conn *conn;

	if (!msg) {
		call_end(call, 500, "The request could not be built");
		return;
	}
	conn = link_get(agent, call->dialog.target, call->dialog.fingerprint);
	if (!conn) {
		msg_free(msg);
		call_end_fmt(call, 503, "No connection: %s", strerror(errno));
		return;
	}
	call->invite = transaction_send(agent->transactions, conn, msg,
		agent->config->notify_timeout_s * 1000, answered, call);
	if (!call->invite) {
		call_end_fmt(call, 503, "No connection: %s", strerror(errno));
		return;
	}
	call_set_timer(call, agent->config->answer_timeout_s * UINT64_C(1000), no_answer);
	call_set_state(call, CALL_CALLING);
}

void call_place(struct endpoint *endpoint, struct peer *peer, struct rpc_call *waiting)
{
	struct agent *agent = endpoint->agent;
	struct call *call;

	if (peer->status == PEER_OFFLINE) {
		api_refuse(waiting, 480, "The peer is offline");
		return;
	}
	if (!dataplane_is_ready(agent)) {
		api_refuse(waiting, 503, "The engine is not there");
		return;
	}
	call = call_new(endpoint, true);
	if (!call || media_open(agent, &call->media)) {
		if (call)
			call_free(call);
		api_refuse(waiting, 503, "No port is free");
		return;
	}
	dialog_to_peer(&call->dialog, endpoint->aor, peer->aor, peer->contact, peer->fingerprint);
	if (call_index(call, NULL)) {
		call_free(call);
		api_refuse(waiting, 500, "Out of memory");
		return;
	}
	call->media.direction = MEDIA_SEND | MEDIA_RECEIVE;
	call->waiting = waiting;
	send_invite(call);
}

static void granted(struct call *call, const char *error)
{
	struct rpc_call *waiting = call->waiting;

	call->adding = false;
	if (call->state == CALL_ENDED) // by a BYE meanwhile
		return;
	call_send_ack(call, 1);
	if (error || call->hanging_up) {
		call_send_bye(call);
		if (call->hanging_up)
			call_end(call, call->end_status, call->end_reason);
		else
			call_end_fmt(call, 500, "The engine refuses: %s", error);
		return;
	}
	call->setup_ms = since_ms(call);
	metrics_observe(&call->agent->meter.setups, call->setup_ms / 1000);
	call->status = 200;
	snprintf(call->reason, sizeof(call->reason), "OK");
	call->acked = true;
	call_set_state(call, CALL_ESTABLISHED);
	call->waiting = NULL;
	if (waiting)
		rpc_reply(waiting, call_json(call));
}

static void give_up(struct call *call, int status, const char *reason)
{
	call_send_ack(call, 1);
	call_send_bye(call);
	call_end(call, status, reason);
}

static void accepted(struct call *call, const struct msg *response)
{
	char error[128];

	call_stop_timer(call);
	if (dialog_take_response(&call->dialog, response)) {
		// With a tag it can be acknowledged at the contact that we know
		give_up(call, 502, "The answer has no usable tag and contact");
		return;
	}
	if (call->hanging_up) { // CANCEL came too late
		give_up(call, call->end_status, call->end_reason);
		return;
	}
	if (call_take_answer(&call->media, response, error)) {
		log_event(LOG_WARNING, "%s: the answer cannot be used: %s", call->id, error);
		give_up(call, 488, "The answer cannot be used");
		return;
	}
	call->adding = true;
	dataplane_add(call, granted);
}

static void provisional(struct call *call, const struct msg *response)
{
	if (msg_status(response) >= 180 && call->state == CALL_CALLING)
		call_set_state(call, CALL_RINGING);
}

static void lost(struct call *call, const char *why)
{
	struct peer *peer = peer_find(call->endpoint, call->dialog.remote);

	if (call->hanging_up) {
		call_end(call, call->end_status, call->end_reason);
		return;
	}
	link_suspect(call->agent, call->dialog.fingerprint,
		call->agent->config->notify_timeout_s * 1000);
	if (peer)
		peer_unreachable(peer, why);
	call_end(call, call->state == CALL_CALLING ? 503 : 480, why);
}

static void answered(void *arg, const struct msg *response, const char *why)
{
	struct call *call = arg;
	int status = response ? msg_status(response) : 0;

	if (response) {
		call_peer_spoke(call);
		if (call->request_ms <= 0) {
			call->request_ms = since_ms(call);
			metrics_observe(&call->agent->meter.requests, call->request_ms / 1000);
		}
	}
	if (response && status < 200) {
		provisional(call, response);
		return;
	}
	call->invite = NULL;
	if (!response)
		lost(call, why);
	else if (status < 300)
		accepted(call, response);
	else if (call->hanging_up && status == 487)
		call_end(call, call->end_status, call->end_reason);
	else
		call_end(call, status, msg_reason(response));
}

void call_receive_late(struct agent *agent, struct conn *conn, struct msg *response)
{
	struct call *call = call_find_dialog(agent, msg_call_id(response), msg_from_tag(response));
	const char *certificate = conn_fingerprint(conn);

	// A 200 that came again: its ACK may have been lost with a connection
	if (call && certificate && !strcmp(certificate, call->dialog.fingerprint) && call->acked &&
		!strcmp(msg_method(response), "INVITE") && msg_status(response) / 100 == 2)
		call_send_ack(call, msg_cseq(response));
	msg_free(response);
}
