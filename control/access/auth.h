// SPDX-License-Identifier: BSD-3-Clause
// Who sends a request: digest credentials against the store. The server's thread.
#pragma once

#include <sys/socket.h>

#include "control/access/store.h"
#include "control/sip/msg.h"

struct auth;
// The store is borrowed; its domain is the realm. NULL and errno.
struct auth *auth_new(struct store *store, unsigned nonce_lifetime_s, unsigned failures_per_minute);
void auth_free(struct auth *auth);

// Where a request came from.
struct auth_source {
	const char *name; // for logs
	const struct sockaddr *address;
	const char *fingerprint;	 // of the client certificate, NULL: none
	enum digest_algorithm algorithm; // of the challenges where it came in
};

// Checks that the request was sent by the user `aor`. NULL if so; else the response that refuses
// it: 401 with a challenge, 400, or 503 where too many attempts failed. An unknown user and a wrong
// password get the same answer.
struct msg *auth_check(struct auth *auth, const struct msg *request, const char *aor,
	const struct auth_source *source);
