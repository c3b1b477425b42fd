// SPDX-License-Identifier: BSD-3-Clause
// The API's methods of forwarding; `user` is the engine. Control thread.
#pragma once

#include "engine/base/rpc.h"

json_t *api_fwd_show(void *user, struct rpc_call *call, json_t *params);
json_t *api_fwd_set(void *user, struct rpc_call *call, json_t *params);
json_t *api_fwd_start(void *user, struct rpc_call *call, json_t *params);
json_t *api_fwd_stop(void *user, struct rpc_call *call, json_t *params);
json_t *api_fwd_stats(void *user, struct rpc_call *call, json_t *params);
struct engine;

// For settings.c.
void api_fwd_settings(struct engine *engine, json_t *commands);

json_t *api_fwd_clear(void *user, struct rpc_call *call, json_t *params);
