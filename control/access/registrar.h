// SPDX-License-Identifier: BSD-3-Clause
// What the server does with REGISTER (RFC 3261 section 10.3): the whole of a login, without the
// connections. The server's thread.
#pragma once

#include <event2/event.h>

#include "control/access/auth.h"
#include "control/access/config.h"
#include "control/access/store.h"
#include "control/access/tables.h"
#include "control/sip/msg.h"
#include "control/sip/token.h"

struct registrar;
// Takes up the bindings in the store that have not expired. Store and signer are borrowed. NULL and
// errno.
struct registrar *registrar_new(struct event_base *base, const struct config *config,
	struct store *store, struct token_signer *signer);
// Writes what the store has not got yet.
void registrar_free(struct registrar *registrar);

// The response to a REGISTER, to be sent and freed. NULL on lack of memory.
struct msg *registrar_answer(
	struct registrar *registrar, const struct msg *request, const struct auth_source *source);
// What the server knows of its users, for those who redirect calls. Valid as long as the registrar.
const struct tables *registrar_tables(const struct registrar *registrar);
struct auth *registrar_auth(const struct registrar *registrar);
unsigned registrar_online(const struct registrar *registrar);
