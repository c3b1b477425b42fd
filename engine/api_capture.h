// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for captures (engine/api.h); `user` is the struct engine. Control thread.
#pragma once

#include "engine/base/rpc.h"

struct engine;

json_t *api_capture_start(void *user, struct rpc_call *call, json_t *params);
json_t *api_capture_stop(void *user, struct rpc_call *call, json_t *params);
json_t *api_capture_show(void *user, struct rpc_call *call, json_t *params);

void api_capture_init(struct engine *engine);
// Before the server goes: answers those who wait.
void api_capture_fini(struct engine *engine);
