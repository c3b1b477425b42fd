// SPDX-License-Identifier: BSD-3-Clause
// Dialog state, and as JSON in the tag of an engine's session so that it survives us; the agent's
// one thread.
#include "control/agent/dialog.h"

#include "control/agent/link.h"
#include "control/agent/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// After a restart: how far the sequence number may have moved since it was written down
#define DIALOG_CSEQ_GAP 1000

static int copy(char *out, size_t size, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (!length || length >= size)
		return -EINVAL;
	memcpy(out, text, length + 1);
	return 0;
}

void dialog_key(const char *call_id, const char *local_tag, char key[DIALOG_KEY_MAX])
{
	snprintf(key, DIALOG_KEY_MAX, "%.255s %.127s", call_id, local_tag);
}

static int take_target(struct dialog *dialog, const struct msg *msg)
{
	char target[sizeof(dialog->target)];

	if (!msg_contact(msg, target, sizeof(target)) || !peer_contact_is_usable(target))
		return -EINVAL;
	memcpy(dialog->target, target, sizeof(target));
	return 0;
}

int dialog_from_invite(struct dialog *dialog, const struct msg *invite, const char *fingerprint)
{
	memset(dialog, 0, sizeof(*dialog));
	if (copy(dialog->call_id, sizeof(dialog->call_id), msg_call_id(invite)) ||
		copy(dialog->remote_tag, sizeof(dialog->remote_tag), msg_from_tag(invite)) ||
		copy(dialog->fingerprint, sizeof(dialog->fingerprint), fingerprint) ||
		msg_from_aor(invite, dialog->remote) || msg_to_aor(invite, dialog->local) ||
		take_target(dialog, invite))
		return -EINVAL;
	msg_random(dialog->local_tag);
	dialog->remote_cseq = msg_cseq(invite);
	dialog_key(dialog->call_id, dialog->local_tag, dialog->key);
	return 0;
}

void dialog_to_peer(struct dialog *dialog, const char *local, const char *remote,
	const char *target, const char *fingerprint)
{
	memset(dialog, 0, sizeof(*dialog));
	msg_random(dialog->call_id);
	msg_random(dialog->local_tag);
	snprintf(dialog->local, sizeof(dialog->local), "%s", local);
	snprintf(dialog->remote, sizeof(dialog->remote), "%s", remote);
	snprintf(dialog->target, sizeof(dialog->target), "%s", target);
	snprintf(dialog->fingerprint, sizeof(dialog->fingerprint), "%s", fingerprint);
	dialog->local_cseq = 1;
	dialog_key(dialog->call_id, dialog->local_tag, dialog->key);
}

int dialog_take_response(struct dialog *dialog, const struct msg *response)
{
	if (copy(dialog->remote_tag, sizeof(dialog->remote_tag), msg_to_tag(response)))
		return -EINVAL;
	return take_target(dialog, response);
}

struct msg *dialog_request(struct dialog *dialog, struct agent *agent, const char *method,
	unsigned ack_cseq, const char *contact)
{
	struct msg_request request = {
		.method = method,
		.uri = dialog->target,
		.from = dialog->local,
		.from_tag = dialog->local_tag,
		.to = dialog->remote,
		.to_tag = *dialog->remote_tag ? dialog->remote_tag : NULL,
		.call_id = dialog->call_id,
		.sent_by = agent->sent_by,
		.cseq = ack_cseq ? ack_cseq : ++dialog->local_cseq,
	};
	char text[600];
	struct msg *msg = msg_new_request(&request);

	snprintf(text, sizeof(text), "<%s>", contact);
	if (msg && (link_add_alias(msg) || msg_add_header(msg, "Contact", text))) {
		msg_free(msg);
		return NULL;
	}
	return msg;
}

int dialog_check_cseq(struct dialog *dialog, const struct msg *request)
{
	if (msg_cseq(request) <= dialog->remote_cseq)
		return -EINVAL;
	dialog->remote_cseq = msg_cseq(request);
	return 0;
}

json_t *dialog_json(const struct dialog *dialog)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "call_id",
		dialog->call_id, "local_tag", dialog->local_tag, "remote_tag", dialog->remote_tag,
		"local", dialog->local, "remote", dialog->remote, "target", dialog->target,
		"x5t#S256", dialog->fingerprint, "local_cseq", (json_int_t)dialog->local_cseq,
		"remote_cseq", (json_int_t)dialog->remote_cseq);
}

int dialog_from_json(struct dialog *dialog, json_t *object)
{
	const char *call_id, *local_tag, *remote_tag, *local, *remote, *target, *fingerprint;
	json_int_t local_cseq, remote_cseq;

	memset(dialog, 0, sizeof(*dialog));
	if (json_unpack(object, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "call_id",
		    &call_id, "local_tag", &local_tag, "remote_tag", &remote_tag, "local", &local,
		    "remote", &remote, "target", &target, "x5t#S256", &fingerprint, "local_cseq",
		    &local_cseq, "remote_cseq", &remote_cseq) ||
		copy(dialog->call_id, sizeof(dialog->call_id), call_id) ||
		copy(dialog->local_tag, sizeof(dialog->local_tag), local_tag) ||
		copy(dialog->remote_tag, sizeof(dialog->remote_tag), remote_tag) ||
		copy(dialog->local, sizeof(dialog->local), local) ||
		copy(dialog->remote, sizeof(dialog->remote), remote) ||
		copy(dialog->target, sizeof(dialog->target), target) ||
		copy(dialog->fingerprint, sizeof(dialog->fingerprint), fingerprint) ||
		local_cseq < 0 || local_cseq > INT32_MAX || remote_cseq < 0 ||
		remote_cseq > UINT32_MAX)
		return -EINVAL;
	dialog->local_cseq = (unsigned)local_cseq + DIALOG_CSEQ_GAP;
	dialog->remote_cseq = (unsigned)remote_cseq;
	dialog_key(dialog->call_id, dialog->local_tag, dialog->key);
	return 0;
}
