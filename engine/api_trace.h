// SPDX-License-Identifier: BSD-3-Clause
// The API's methods that follow single packets; control thread. `user` is the engine.
#pragma once

#include "engine/base/rpc.h"

json_t *api_trace_add(void *user, struct rpc_call *call, json_t *params);
json_t *api_trace_list(void *user, struct rpc_call *call, json_t *params);
json_t *api_trace_clear(void *user, struct rpc_call *call, json_t *params);
