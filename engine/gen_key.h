// SPDX-License-Identifier: BSD-3-Clause
// Master keys of the generator's sessions, which both ends derive from a secret that they share:
// HKDF with SHA-256 (RFC 5869) of where packets come from, where they go to, and the suite. So each
// direction of each session has a key of its own. Control thread.
#pragma once

#include "engine/session.h"

// What everybody knows: packets under it are neither secret nor authentic.
#define GEN_TEST_SECRET "crowfly generator: no secret"

struct gen_key;

// NULL on lack of memory.
struct gen_key *gen_key_new(const char *secret);
void gen_key_free(struct gen_key *key); // wipes

// Writes master key and salt, as of session_params. 0 or -1.
int gen_key_derive(struct gen_key *key, const struct session_addr *from,
	const struct session_addr *to, enum suite_id suite,
	uint8_t out[SUITE_KEY_MAX + SUITE_SALT_MAX]);
