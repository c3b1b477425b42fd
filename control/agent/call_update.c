// SPDX-License-Identifier: BSD-3-Clause
// INVITE inside a call (RFC 3261 section 14): hold and resume, another address, other keys, as
// the peer asks for it; the agent's one thread.
#include "control/agent/call.h"

#include "control/agent/dataplane.h"
#include "control/agent/trust.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer(struct call *call, int status, const char *reason, char *sdp)
{
	struct transaction *invite = call->invite;
	struct msg *response =
		msg_new_response(call->request, status, reason, call->dialog.local_tag);
	char contact[600];

	call->invite = NULL;
	msg_free(call->request);
	call->request = NULL;
	if (call->next)
		media_wipe_keys(call->next);
	free(call->next);
	call->next = NULL;
	snprintf(contact, sizeof(contact), "<%s>", call->endpoint->contact);
	if (response && !msg_add_header(response, "Contact", contact) &&
		(!sdp || !msg_set_body(response, "application/sdp", sdp, strlen(sdp))) && invite)
		transaction_answer(invite, response);
	else
		msg_free(response);
	sdp_text_free(sdp);
}

static void ended(void *arg, enum transaction_end end, const char *why)
{
	struct call *call = arg;

	(void)why;
	if (end == TRANSACTION_LOST)
		call->invite = NULL;
	// A CANCEL comes too late: the engine is at it, and its answer is the response
}

static void updated(struct call *call, const char *error)
{
	char *sdp;

	if (call->state == CALL_ENDED || !call->next)
		return;
	if (error) {
		log_warning("%s: the engine refuses the change: %s", call->id, error);
		answer(call, 500, "Server Internal Error", NULL);
		return;
	}
	media_wipe_keys(&call->media);
	call->media = *call->next;
	sdp = media_answer(call->agent, &call->media);
	answer(call, sdp ? 200 : 500, sdp ? "OK" : "Server Internal Error", sdp);
	log_info("%s: changed by the peer: %s", call->id,
		media_direction_name(call->media.direction));
	call_set_state(call, CALL_ESTABLISHED);
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

static void change(struct call *call, const struct msg *msg)
{
	const char *type = msg_body_type(msg), *body;
	char error[128] = "no offer";
	size_t length = 0;
	json_t *object;

	body = msg_body(msg, &length);
	call->next = malloc(sizeof(*call->next));
	if (!call->next) {
		answer(call, 500, "Server Internal Error", NULL);
		return;
	}
	*call->next = call->media;
	if (!body || !type || strcmp(type, "application/sdp") ||
		media_take_offer(call->next, body, length, error)) {
		log_info("%s: the change is not acceptable: %s", call->id, error);
		answer(call, 488, "Not Acceptable Here", NULL);
		return;
	}
	object = changes(call);
	if (!object) {
		answer(call, 500, "Server Internal Error", NULL);
	} else if (!json_object_size(object)) {
		json_decref(object);
		updated(call, NULL);
	} else {
		dataplane_update(call, object, updated);
	}
}

void call_reinvite(struct call *call, struct conn *conn, struct msg *msg)
{
	if (dialog_check_cseq(&call->dialog, msg)) {
		trust_answer(conn, msg, 500, "CSeq Out Of Order", NULL, NULL);
	} else if (call->state != CALL_ESTABLISHED || call->invite || call->request ||
		   call_change_is_pending(call)) {
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
