// SPDX-License-Identifier: BSD-3-Clause
// The body of the 200 OK that ends a login: profile, routing table, token and token keys as JSON,
// version 1. Documented in control/README.md.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_VERSION 1

// {"version": 1, "aor": "sip:alice@example.org", "expires": 600, "token": "eyJ...",
// "token_expires": 3600,
//  "jwks": {"keys": [...]},
//  "profile": [{"aor": "sip:bob@example.org", "status": "online"}, {"aor": "sip:dave@example.org",
//  "status": "offline"}], "routes": [{"aor": "sip:bob@example.org", "contacts":
//  ["sip:bob@10.0.0.2:5061;transport=tls"],
//              "x5t#S256": "...", "expires": 540}]}

struct profile_peer {
	char *aor;
	bool online;
	// The route: set where online, else NULL / 0.
	char *contact; // the first contact
	char *fingerprint;
	unsigned expires_s;
};

struct profile {
	char *aor;
	unsigned expires_s;
	char *token;
	unsigned token_expires_s;
	json_t *jwks; // owned
	size_t n_peers;
	struct profile_peer *peers;
};

// NULL on lack of memory. To be freed with free(); *length without the NUL.
char *profile_write(const struct profile *profile, size_t *length);
// Checks version, types, that every online peer has a route and no other has. NULL with one line in
// `error` (128 bytes).
struct profile *profile_read(const char *body, size_t length, char *error);
void profile_free(struct profile *profile);

// What the reader takes as an address of record and as a contact. The writer's side asks before it
// lets one in: a single bad entry makes a reader refuse the whole body.
bool profile_is_aor(const char *text);
bool profile_is_contact(const char *text);
