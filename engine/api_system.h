// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for those who run the engine (engine/api.h); `user` is the struct engine.
// Control thread.
#pragma once

#include "engine/base/rpc.h"

struct engine;

json_t *api_system_health(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_version(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_drain(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_undrain(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_drain_status(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_set_log(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_list_log(void *user, struct rpc_call *call, json_t *params);
json_t *api_system_set_verbose(void *user, struct rpc_call *call, json_t *params);

void api_system_settings(struct engine *engine, json_t *commands); // see settings.h
