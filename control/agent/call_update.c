// SPDX-License-Identifier: BSD-3-Clause
// INVITE inside a call (RFC 3261 section 14): hold and resume, another address, other keys, as
// the peer asks for it, or asks us to offer; the agent's one thread.
#include "control/agent/call.h"

#include "control/agent/dataplane.h"
#include "control/agent/trust.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop_next(struct call *call)
{
	if (call->next)
		media_wipe_keys(call->next);
	free(call->next);
	call->next = NULL;
}

static void answer(struct call *call, int status, const char *reason, char *sdp)
{
	struct transaction *invite = call->invite;
	struct msg *response =
		msg_new_response(call->request, status, reason, call->dialog.local_tag);
	char contact[600];

	call->invite = NULL;
	msg_free(call->request);
	call->request = NULL;
	snprintf(contact, sizeof(contact), "<%s>", call->endpoint->contact);
	if (response && !msg_add_header(response, "Contact", contact) &&
		(!sdp || !msg_set_body(response, "application/sdp", sdp, strlen(sdp))) && invite)
		transaction_answer(invite, response);
	else
		msg_free(response);
	sdp_text_free(sdp);
}

static void refuse(struct call *call, int status, const char *reason)
{
	drop_next(call);
	answer(call, status, reason, NULL);
}

static void ended(void *arg, enum transaction_end end, const char *why)
{
	struct call *call = arg;

	(void)why;
	if (end == TRANSACTION_LOST)
		call->invite = NULL;
	// A CANCEL comes too late: the engine is at it, and its answer is the response
}

static void take_next(struct call *call)
{
	media_wipe_keys(&call->media);
	call->media = *call->next;
	drop_next(call);
}

static void announce(struct call *call)
{
	log_event(LOG_INFO, "%s: changed by the peer: %s", call->id,
		media_direction_name(call->media.direction));
	call_set_state(call, CALL_ESTABLISHED);
}

static void updated(struct call *call, const char *error)
{
	bool streams;
	char *sdp;

	if (call->state == CALL_ENDED || !call->next)
		return;
	if (error) {
		log_event(LOG_WARNING, "%s: the engine refuses the change: %s", call->id, error);
		refuse(call, 500, "Server Internal Error");
		return;
	}
	streams = memcmp(&call->media.lines, &call->next->lines, sizeof(call->media.lines)) != 0;
	take_next(call);
	if (streams)
		call_renew_tag(call);
	sdp = media_answer(call->agent, &call->media);
	answer(call, sdp ? 200 : 500, sdp ? "OK" : "Server Internal Error", sdp);
	announce(call);
}

// What the engine must be told; NULL on failure
static json_t *changes(struct call *call)
{
	struct media *now = &call->media, *next = call->next;

	// New keys of theirs: a new one of ours as well
	if (strcmp(now->rx.suite, next->rx.suite) || strcmp(now->rx.key, next->rx.key))
		explicit_bzero(&next->tx, sizeof(next->tx));
	return media_choose_key(next) ? NULL : media_changes(now, next);
}

static void take_offer(struct call *call, const struct msg *msg)
{
	const char *type = msg_body_type(msg), *body;
	char error[128] = "no session description";
	size_t length = 0;
	json_t *object;

	body = msg_body(msg, &length);
	if (!type || strcmp(type, "application/sdp") ||
		media_take_offer(call->next, body, length, error)) {
		log_event(LOG_INFO, "%s: the change is not acceptable: %s", call->id, error);
		refuse(call, 488, "Not Acceptable Here");
		return;
	}
	object = changes(call);
	if (!object) {
		refuse(call, 500, "Server Internal Error");
	} else if (!json_object_size(object)) {
		json_decref(object);
		updated(call, NULL);
	} else {
		dataplane_update(call, object, updated);
	}
}

// ---- an INVITE without an offer: ours is in the 200, their answer in the ACK (RFC 3261 section
// 14.2). The old session holds until then

static void give_up(struct call *call, int status, const char *reason)
{
	call_send_bye(call);
	call_end(call, status, reason);
}

static void no_ack(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	give_up(arg, 408, "No ACK");
}

static void offer(struct call *call)
{
	struct media *next = call->next;
	char *sdp;

	if (!dataplane_is_ready(call->agent)) {
		refuse(call, 500, "Server Internal Error");
		return;
	}
	next->direction = media_wanted(next);
	sdp = media_offer_again(call->agent, next, !*next->tx.key);
	call->media.sdp_version = next->sdp_version; // used, whatever becomes of it
	if (!sdp) {
		refuse(call, 500, "Server Internal Error");
		return;
	}
	call->offer_cseq = msg_cseq(call->request);
	call_set_timer(call, TRANSACTION_TIMEOUT_MS, no_ack);
	answer(call, 200, "OK", sdp);
}

static void answer_applied(struct call *call, const char *error)
{
	if (call->state == CALL_ENDED || !call->next)
		return;
	if (error) {
		log_event(LOG_WARNING, "%s: the engine refuses the change: %s", call->id, error);
		give_up(call, 500, "The engine refuses the change");
		return;
	}
	take_next(call);
	announce(call);
}

static void apply_answer(struct call *call)
{
	struct media *now = &call->media, *next = call->next;
	json_t *object;

	if (*now->tx.key && strcmp(now->rx.key, next->rx.key)) {
		// Other keys of theirs start the engine's counters again, and ours must not begin
		// again under the same key (RFC 3711 section 9.1)
		drop_next(call);
		call_change(call, CALL_REKEY, NULL);
		return;
	}
	object = media_changes(now, next);
	if (!object) {
		give_up(call, 500, "Out of memory");
	} else if (!json_object_size(object)) {
		json_decref(object);
		answer_applied(call, NULL);
	} else {
		dataplane_update(call, object, answer_applied);
	}
}

void call_take_ack(struct call *call, const struct msg *ack)
{
	char error[128];

	if (!call->offer_cseq || msg_cseq(ack) != call->offer_cseq)
		return;
	call->offer_cseq = 0;
	call_stop_timer(call);
	if (call_take_answer(call->next, ack, error)) {
		log_event(LOG_INFO, "%s: the answer cannot be used: %s", call->id, error);
		give_up(call, 488, "The answer cannot be used");
		return;
	}
	apply_answer(call);
}

// ----

static void change(struct call *call, const struct msg *msg)
{
	size_t length;

	call->next = malloc(sizeof(*call->next));
	if (!call->next) {
		answer(call, 500, "Server Internal Error", NULL);
		return;
	}
	*call->next = call->media;
	if (msg_body(msg, &length))
		take_offer(call, msg);
	else
		offer(call);
}

void call_reinvite(struct call *call, struct conn *conn, struct msg *msg)
{
	if (dialog_check_cseq(&call->dialog, msg)) {
		trust_answer(conn, msg, 500, "CSeq Out Of Order", NULL, NULL);
	} else if (call->state != CALL_ESTABLISHED || !call->acked || call->invite ||
		   call->request || call->next) {
		trust_answer(conn, msg, 491, "Request Pending", NULL, NULL);
	} else {
		call->invite = transaction_serve(call->agent->transactions, conn, msg, ended, call);
		if (call->invite) {
			call->request = msg;
			change(call, msg);
			return;
		}
		trust_answer(conn, msg, 500, NULL, NULL, NULL);
	}
	msg_free(msg);
}
