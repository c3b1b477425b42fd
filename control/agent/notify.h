// SPDX-License-Identifier: BSD-3-Clause
// Notifications: PUBLISH (RFC 3903) straight to each online peer, and theirs to us. The agent's one
// thread.
#pragma once

#include "control/agent/endpoint.h"

struct notify *notify_new(struct agent *agent);
void notify_free(struct notify *notify);
// Queues a notification to this peer; few are under way at a time.
void notify_send(struct peer *peer);
// The same of a peer that is not offline, and `waiting` is answered with what becomes of it: the
// peer's answer, silence, or that the peer or the endpoint went meanwhile. -EBUSY: somebody waits.
int notify_check(struct peer *peer, struct rpc_call *waiting);
// The endpoint logs out: tells all peers that may think it online.
void notify_farewell(struct endpoint *endpoint);
// The peer is about to be freed.
void notify_forget(struct peer *peer);
// After login: publications are repeated before they expire. `on` false: not any more.
void notify_schedule(struct endpoint *endpoint, bool on);
// A PUBLISH came. Takes msg over.
void notify_receive(struct agent *agent, struct conn *conn, struct msg *msg);
