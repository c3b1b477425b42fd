// SPDX-License-Identifier: BSD-3-Clause
// Calls that come in: believed, permitted, then rung, granted or declined; and the requests inside
// a call. The agent's one thread.
#include "control/agent/call.h"

#include "control/agent/dataplane.h"
#include "control/agent/trust.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct msg *response_to(struct call *call, int status, const char *reason)
{
	struct msg *response =
		msg_new_response(call->request, status, reason, call->dialog.local_tag);
	char contact[600];

	snprintf(contact, sizeof(contact), "<%s>", call->endpoint->contact);
	if (response && status < 300 && msg_add_header(response, "Contact", contact)) {
		msg_free(response);
		return NULL;
	}
	return response;
}

static void send_final(struct call *call, int status, const char *reason)
{
	struct transaction *invite = call->invite;
	struct msg *response;

	call->invite = NULL;
	response = invite ? response_to(call, status, reason) : NULL;
	if (response)
		transaction_answer(invite, response);
}

static void reject(struct call *call, int status, const char *reason)
{
	send_final(call, status, reason);
	call_end(call, status, reason);
}

static void invite_ended(void *arg, enum transaction_end end, const char *why)
{
	struct call *call = arg;

	if (end == TRANSACTION_CANCELLED) {
		reject(call, 487, "Cancelled by the caller");
	} else {
		call->invite = NULL;
		call_end_fmt(call, 487, "The caller has gone: %s", why);
	}
}

static void no_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reject(arg, 480, "No Answer");
}

static void no_ack(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	call_send_bye(call);
	call_end(call, 408, "No ACK");
}

static void ring(struct call *call)
{
	struct msg *response = response_to(call, 180, "Ringing");

	if (!response || transaction_answer(call->invite, response)) {
		reject(call, 500, "Server Internal Error");
		return;
	}
	call_set_timer(call, call->agent->config->answer_timeout_s * UINT64_C(1000), no_answer);
	call_set_state(call, CALL_RINGING);
}

static int send_ok(struct call *call)
{
	struct transaction *invite = call->invite;
	char *sdp = media_answer(call->agent, &call->media);
	struct msg *response = response_to(call, 200, "OK");
	int rc;

	call->invite = NULL;
	rc = !sdp || !response || msg_add_header(response, "Allow", AGENT_ALLOW) ||
	     msg_set_body(response, "application/sdp", sdp, strlen(sdp));
	sdp_text_free(sdp);
	if (rc) {
		msg_free(response);
		response = response_to(call, 500, NULL);
		if (response)
			transaction_answer(invite, response);
		return -ENOMEM;
	}
	return transaction_answer(invite, response);
}

static void session_added(struct call *call, const char *error)
{
	struct rpc_call *waiting = call->waiting;

	call->adding = false;
	if (call->state == CALL_ENDED) // cancelled meanwhile; the session goes again
		return;
	if (error || call->hanging_up) {
		if (error)
			log_event(LOG_WARNING, "%s: the engine refuses: %s", call->id, error);
		reject(call, error ? 500 : 603, error ? "Server Internal Error" : "Declined");
		return;
	}
	if (send_ok(call)) {
		call_end(call, 500, "The response could not be sent");
		return;
	}
	msg_free(call->request);
	call->request = NULL;
	call->setup_ms = (agent_now_us() - call->began_us) / 1000.0;
	call->status = 200;
	snprintf(call->reason, sizeof(call->reason), "OK");
	call_set_timer(call, TRANSACTION_TIMEOUT_MS, no_ack);
	call_set_state(call, CALL_ESTABLISHED);
	call->waiting = NULL;
	if (waiting)
		rpc_reply(waiting, call_json(call));
}

static void grant(struct call *call)
{
	call_stop_timer(call);
	if (media_open(call->agent, &call->media)) {
		reject(call, 503, "No Port Free");
		return;
	}
	if (media_choose_key(&call->media)) {
		reject(call, 500, "Server Internal Error");
		return;
	}
	call->adding = true;
	dataplane_add(call, session_added);
}

int call_answer(struct call *call, struct rpc_call *waiting)
{
	if (call->outgoing || call->state != CALL_RINGING || call->adding)
		return -EINVAL;
	call->waiting = waiting;
	grant(call);
	return 0;
}

int call_decline(struct call *call, int status)
{
	if (call->outgoing || call->state != CALL_RINGING || call->adding)
		return -EINVAL;
	reject(call, status, status == 486 ? "Busy Here" : "Declined");
	return 0;
}

static void decide(struct call *call)
{
	if (!dataplane_is_ready(call->agent)) {
		reject(call, 503, "Engine Not Available");
		return;
	}
	switch (call->endpoint->config->answer) {
	case CONFIG_ASK:
		ring(call);
		break;
	case CONFIG_ANSWER:
		grant(call);
		break;
	case CONFIG_DECLINE:
		reject(call, 603, "Declined");
		break;
	case CONFIG_BUSY:
		reject(call, 486, "Busy Here");
		break;
	}
}

// An authenticated INVITE tells of a peer that we thought offline how to reach it
static void learn(struct peer *peer, const struct dialog *dialog)
{
	unsigned expires_s = peer->endpoint->agent->config->publish_expires_s;

	if (peer->status == PEER_OFFLINE)
		peer_told(peer, dialog->target, dialog->fingerprint, expires_s);
}

static const char *take_offer(struct call *call, const struct msg *msg, int *status)
{
	const char *type = msg_body_type(msg), *body;
	char error[128];
	size_t length;

	*status = 488;
	body = msg_body(msg, &length);
	if (!body)
		return "Offer Required";
	if (!type || strcmp(type, "application/sdp")) {
		*status = 415;
		return "Unsupported Media Type";
	}
	if (media_take_offer(&call->media, body, length, error)) {
		log_event(LOG_INFO, "%s: offer not acceptable: %s", call->id, error);
		return "Not Acceptable Here";
	}
	return NULL;
}

static bool too_many(const struct trust *trust)
{
	const struct config *config = trust->endpoint->agent->config;

	return trust->peer->calls >= config->calls_per_peer ||
	       trust->endpoint->calls >= config->calls_per_endpoint;
}

// Takes msg over if it returns true
static bool new_call(struct agent *agent, struct conn *conn, struct msg *msg, struct trust *trust)
{
	static struct log_limit limit;
	const char *refused;
	struct call *call;
	int status;

	if (too_many(trust)) {
		log_limited(&limit, LOG_WARNING, "%s: too many calls, one from %s refused",
			trust->endpoint->aor, trust->peer->aor);
		trust_answer(conn, msg, 486, "Too Many Calls", NULL, NULL);
		return false;
	}
	call = call_new(trust->endpoint, false);
	if (!call)
		return false;
	if (dialog_from_invite(&call->dialog, msg, trust->fingerprint)) {
		trust_answer(conn, msg, 400, "Bad Dialog Or Contact", NULL, NULL);
		call_free(call);
		return false;
	}
	learn(trust->peer, &call->dialog);
	call->invite = transaction_serve(agent->transactions, conn, msg, invite_ended, call);
	if (!call->invite || call_index(call, NULL)) {
		trust_answer(conn, msg, 500, NULL, NULL, NULL);
		call_free(call);
		return false;
	}
	call->request = msg;
	refused = take_offer(call, msg, &status);
	if (refused)
		reject(call, status, refused);
	else
		decide(call);
	return true;
}

static bool required_extension(struct conn *conn, const struct msg *msg)
{
	const char *require = msg_header(msg, "Require");

	if (require)
		trust_answer(conn, msg, 420, "Bad Extension", "Unsupported", require);
	return require;
}

// From the other end of the call: its certificate and its tag (RFC 3261 section 12.2.2)
static bool is_inside(struct call *call, struct conn *conn, const struct msg *msg)
{
	const char *tag = msg_from_tag(msg);

	if (!trust_check_dialog(conn, msg, call->dialog.fingerprint))
		return false;
	if (tag && !strcmp(tag, call->dialog.remote_tag))
		return true;
	trust_answer(conn, msg, 481, NULL, NULL, NULL);
	return false;
}

void call_receive_invite(struct agent *agent, struct conn *conn, struct msg *msg)
{
	const char *to_tag = msg_to_tag(msg);
	struct trust trust;
	struct call *call;

	if (to_tag) {
		call = call_find_dialog(agent, msg_call_id(msg), to_tag);
		if (!call)
			trust_answer(conn, msg, 481, NULL, NULL, NULL);
		else if (is_inside(call, conn, msg)) {
			call_peer_spoke(call);
			call_reinvite(call, conn, msg);
			return;
		}
	} else if (trust_check(agent, conn, msg, &trust) && !required_extension(conn, msg)) {
		if (new_call(agent, conn, msg, &trust))
			return;
	}
	msg_free(msg);
}

static void receive_bye(struct call *call, struct conn *conn, const struct msg *msg)
{
	if (call->invite && !call->request &&
		call->state != CALL_ESTABLISHED) { // no callee may do that
		trust_answer(conn, msg, 481, NULL, NULL, NULL);
		return;
	}
	trust_answer(conn, msg, 200, "OK", NULL, NULL);
	if (call->request) // else an INVITE under way is our own
		send_final(call, 487, "Request Terminated");
	call_end(call, 200, "Hung up by the peer");
}

static void receive_inside(struct call *call, struct conn *conn, const struct msg *msg)
{
	const char *method = msg_method(msg);

	if (!strcmp(method, "ACK")) {
		if (call->state == CALL_ESTABLISHED && !call->acked) {
			call->acked = true;
			call_stop_timer(call);
		} else if (call->state == CALL_ESTABLISHED) {
			call_take_ack(call, msg);
		}
		return;
	}
	if (dialog_check_cseq(&call->dialog, msg)) {
		trust_answer(conn, msg, 500, "CSeq Out Of Order", NULL, NULL);
		return;
	}
	if (!strcmp(method, "BYE"))
		receive_bye(call, conn, msg);
	else
		trust_answer(conn, msg, 200, "OK", "Allow", AGENT_ALLOW);
}

void call_receive(struct agent *agent, struct conn *conn, struct msg *msg)
{
	bool is_ack = !strcmp(msg_method(msg), "ACK");
	const char *to_tag = msg_to_tag(msg);
	struct trust trust;
	struct call *call;

	if (to_tag) {
		call = call_find_dialog(agent, msg_call_id(msg), to_tag);
		if (!call) {
			trust_answer(conn, msg, 481, NULL, NULL, NULL);
		} else if (is_inside(call, conn, msg)) {
			call_peer_spoke(call);
			receive_inside(call, conn, msg);
		}
	} else if (!strcmp(msg_method(msg), "OPTIONS")) {
		if (trust_check(agent, conn, msg, &trust))
			trust_answer(conn, msg, 200, "OK", "Allow", AGENT_ALLOW);
	} else if (!is_ack) {
		trust_answer(conn, msg, 481, NULL, NULL, NULL);
	}
	msg_free(msg);
}
