// SPDX-License-Identifier: BSD-3-Clause
// The API's methods that show what the workers do; control thread. `user` is the engine.
#pragma once

#include "engine/base/rpc.h"

json_t *api_observe_workers(void *user, struct rpc_call *call, json_t *params);
json_t *api_observe_stages(void *user, struct rpc_call *call, json_t *params);
json_t *api_observe_drops(void *user, struct rpc_call *call, json_t *params);
json_t *api_observe_session_drops(void *user, struct rpc_call *call, json_t *params);
json_t *api_observe_drops_clear(void *user, struct rpc_call *call, json_t *params);
