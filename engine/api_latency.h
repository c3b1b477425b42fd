// SPDX-License-Identifier: BSD-3-Clause
// The API's methods about time: in the engine, and jitter of what comes; control thread. `user` is
// the engine.
#pragma once

#include "engine/base/rpc.h"

json_t *api_latency_set(void *user, struct rpc_call *call, json_t *params);
json_t *api_latency_get(void *user, struct rpc_call *call, json_t *params);
json_t *api_latency_clear(void *user, struct rpc_call *call, json_t *params);
json_t *api_jitter_get(void *user, struct rpc_call *call, json_t *params);
