// SPDX-License-Identifier: BSD-3-Clause
// The engine as the agent sees it: sessions added, updated and removed for calls over its socket;
// after either of the two was away, calls and sessions are brought together again. The agent's one
// thread.
#pragma once

#include "control/agent/call.h"

struct dataplane *dataplane_new(struct agent *agent);
void dataplane_free(struct dataplane *dataplane);
bool dataplane_is_ready(const struct agent *agent);

// Each holds the call until `done` was called, which is always on the event loop or, if the engine
// is not there, at once. `error` NULL: done.
typedef void (*dataplane_cb)(struct call *call, const char *error);
void dataplane_add(struct call *call, dataplane_cb done);
// Changes what `changes` (stolen) names.
void dataplane_update(struct call *call, json_t *changes, dataplane_cb done);
// The session of a call that has ended; its last statistics go to call->statistics.
void dataplane_remove(struct call *call, dataplane_cb done);
