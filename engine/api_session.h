// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for sessions (engine/api.h); `user` is the struct engine. Control thread.
#pragma once

#include "engine/base/rpc.h"

json_t *api_session_add(void *user, struct rpc_call *call, json_t *params);
json_t *api_session_update(void *user, struct rpc_call *call, json_t *params);
json_t *api_session_remove(void *user, struct rpc_call *call, json_t *params);
json_t *api_session_drain(void *user, struct rpc_call *call, json_t *params);
json_t *api_session_stats(void *user, struct rpc_call *call, json_t *params);
