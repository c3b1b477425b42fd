// SPDX-License-Identifier: BSD-3-Clause
// The API's lists, page by page (engine/api.h); `user` is the struct engine. Control thread.
#pragma once

#include "engine/base/rpc.h"

json_t *api_table_sessions(void *user, struct rpc_call *call, json_t *params);
json_t *api_table_session_count(void *user, struct rpc_call *call, json_t *params);
json_t *api_table_streams(void *user, struct rpc_call *call, json_t *params);
json_t *api_table_keys(void *user, struct rpc_call *call, json_t *params);
json_t *api_table_routes(void *user, struct rpc_call *call, json_t *params);
