// SPDX-License-Identifier: BSD-3-Clause
// Whether a request from a peer's agent is to be believed: the token, the certificate it is bound
// to, our own profile. The agent's one thread.
#pragma once

#include "control/agent/endpoint.h"

struct trust {
	struct endpoint *endpoint; // the one addressed
	struct peer *peer;	   // the one that asks
	char fingerprint[64];	   // of its agent's certificate
};

// Checks a request outside a dialog. True: `out` is filled. False: it was refused with the right
// status and a log line; the connection may be gone.
bool trust_check(
	struct agent *agent, struct conn *conn, const struct msg *request, struct trust *out);
// A request inside a dialog: it must come over the certificate of the dialog.
bool trust_check_dialog(struct conn *conn, const struct msg *request, const char *fingerprint);

// Answers a request (not an INVITE that has a transaction, never an ACK). `header` may be NULL.
void trust_answer(struct conn *conn, const struct msg *request, int status, const char *reason,
	const char *header, const char *value);
