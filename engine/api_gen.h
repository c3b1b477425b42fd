// SPDX-License-Identifier: BSD-3-Clause
// The API's methods of the generator; `user` is the engine. Control thread.
#pragma once

#include "engine/base/rpc.h"

json_t *api_gen_set(void *user, struct rpc_call *call, json_t *params);
json_t *api_gen_show(void *user, struct rpc_call *call, json_t *params);
json_t *api_gen_clear(void *user, struct rpc_call *call, json_t *params);
