// SPDX-License-Identifier: BSD-3-Clause
// The API's method that tells how the engine is set up (engine/api.h); `user` is the struct engine.
// Control thread.
#pragma once

#include "engine/base/rpc.h"

json_t *api_config_show(void *user, struct rpc_call *call, json_t *params);
