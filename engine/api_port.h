// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for ports (engine/api.h); `user` is the struct engine. Control thread.
#pragma once

#include <stdbool.h>

#include "engine/base/rpc.h"

struct engine;

json_t *api_port_info(void *user, struct rpc_call *call, json_t *params);
json_t *api_port_stats(void *user, struct rpc_call *call, json_t *params);
json_t *api_port_xstats(void *user, struct rpc_call *call, json_t *params);
json_t *api_port_clear(void *user, struct rpc_call *call, json_t *params);
json_t *api_port_start(void *user, struct rpc_call *call, json_t *params);
json_t *api_port_stop(void *user, struct rpc_call *call, json_t *params);

// Which ports a request's `port` names, by its number or its role; "all" and nothing at all are all
// of them, unless `required`. Their roles as bits, or 0 after rpc_fail().
unsigned api_port_read(struct engine *engine, struct rpc_call *call, json_t *params, bool required);
