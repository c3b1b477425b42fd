// SPDX-License-Identifier: BSD-3-Clause
// The dialog of a call (RFC 3261 section 12): tags, sequence numbers, where the peer is. The
// agent's one thread.
#pragma once

#include <jansson.h>

#include "control/agent/agent.h"

#define DIALOG_CALL_ID_MAX 256
#define DIALOG_TAG_MAX	   128
#define DIALOG_KEY_MAX	   (DIALOG_CALL_ID_MAX + DIALOG_TAG_MAX)

struct dialog {
	char call_id[DIALOG_CALL_ID_MAX], local_tag[DIALOG_TAG_MAX], remote_tag[DIALOG_TAG_MAX];
	char local[MSG_AOR_MAX], remote[MSG_AOR_MAX]; // AoRs
	char target[512];			      // the peer's contact
	char fingerprint[64];			      // of its agent's certificate
	unsigned local_cseq, remote_cseq;
	char key[DIALOG_KEY_MAX]; // Call-ID and local tag
};

// From a caller's INVITE. 0, or -EINVAL if tags, Call-ID or Contact are missing, too long, not
// usable.
int dialog_from_invite(struct dialog *dialog, const struct msg *invite, const char *fingerprint);
// A caller's, before the INVITE.
void dialog_to_peer(struct dialog *dialog, const char *local, const char *remote,
	const char *target, const char *fingerprint);
// The callee's tag and contact from a 2xx. 0 or -EINVAL.
int dialog_take_response(struct dialog *dialog, const struct msg *response);
void dialog_key(const char *call_id, const char *local_tag, char key[DIALOG_KEY_MAX]);

// A request inside the dialog with the next sequence number; an ACK with that of the INVITE.
// `contact`: our own.
struct msg *dialog_request(struct dialog *dialog, struct agent *agent, const char *method,
	unsigned ack_cseq, const char *contact);
// A request of the peer inside the dialog: 0, or -EINVAL if it is older than one before.
int dialog_check_cseq(struct dialog *dialog, const struct msg *request);

json_t *dialog_json(const struct dialog *dialog);
int dialog_from_json(struct dialog *dialog, json_t *object); // 0 or -EINVAL
