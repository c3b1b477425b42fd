// SPDX-License-Identifier: BSD-3-Clause
// Logging in: REGISTER of all endpoints over one TLS connection to the access server (RFC 3261
// section 10, RFC 8760). The agent's one thread.
#pragma once

#include "control/agent/endpoint.h"

struct login *login_new(struct agent *agent, char *error); // connects
void login_free(struct login *login);
// Whether the login of each endpoint has been tried once, with whatever success.
bool login_all_tried(struct agent *agent);
// Of one that is logged in: asks the server for its tables now.
void login_start(struct endpoint *endpoint);
// Tells the peers and the server, drops the tables.
void login_end(struct endpoint *endpoint);
// A part of the logout is done: is all of it?
void login_check_ended(struct endpoint *endpoint);
