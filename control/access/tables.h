// SPDX-License-Identifier: BSD-3-Clause
// The body that a login gets: profile, routing table, token. The server's thread.
#pragma once

#include <stddef.h>

#include "control/access/binding.h"
#include "control/access/store.h"
#include "control/sip/token.h"

// What is read for it; all borrowed.
struct tables {
	struct store *store;
	struct binding_table *bindings;
	struct token_signer *signer;
	json_t *jwks;
	unsigned token_lifetime_s;
};

// The body for the owner of `binding`, to be freed with tables_body_free(). NULL: the store cannot
// be read, or lack of memory.
char *tables_body(const struct tables *tables, const struct binding *binding, unsigned expires_s,
	size_t *length);
void tables_body_free(char *body, size_t length);
