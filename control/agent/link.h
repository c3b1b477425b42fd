// SPDX-License-Identifier: BSD-3-Clause
// TLS connections to peers' agents: one for each certificate, made on demand, used both ways. The
// agent's one thread.
#pragma once

#include "control/agent/agent.h"

struct links *links_new(struct agent *agent, char *error); // listens; sets agent->address, sent_by
void links_free(struct links *links);
// The connection to the agent with this certificate: one there is (made by
// the other end: only if it said that it takes requests there), or a new one to
// the contact's address, which is given up unless the certificate is that one. NULL and errno.
struct conn *link_get(struct agent *agent, const char *contact, const char *fingerprint);
// Says in a request of ours that its connection may be used the other way as well (RFC 5923).
int link_add_alias(struct msg *msg);
// A request to it got no answer. If nothing at all has come from there for `silent_ms`, the
// connection is given up, so that the next request makes a new one.
void link_suspect(struct agent *agent, const char *fingerprint, unsigned silent_ms);
// A request from there was refused for lack of trust; too many, and the connection is closed.
// Returns false if it was.
bool link_distrust(struct conn *conn);
