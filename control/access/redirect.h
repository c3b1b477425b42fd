// SPDX-License-Identifier: BSD-3-Clause
// Calls of phones: the server tells the caller where the callee is, and is out of it (RFC 3261
// section 8.3). The server's thread.
#pragma once

#include "control/access/auth.h"
#include "control/access/tables.h"

// What it works with; all borrowed.
struct redirect {
	struct auth *auth;
	const struct tables *tables;
};

// The response to an INVITE, to be sent and freed: 302 with the callee's own address and a token
// for this one call, or a refusal. Nothing is kept, nothing forwarded. NULL on lack of memory.
struct msg *redirect_answer(const struct redirect *redirect, const struct msg *request,
	const struct auth_source *source);
