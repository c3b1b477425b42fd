// SPDX-License-Identifier: BSD-3-Clause
// Sessions as JSON: reads what session.add and session.update are given, writes what session.list
// and session.stats show. Control thread.
#pragma once

#include "engine/base/rpc.h"
#include "engine/session.h"

// Each returns 0, or -1 after rpc_fail() with the field named. `out` holds keys afterwards, also
// after an error: the caller wipes it. out->tag is borrowed from `params`.
int api_params_add(struct rpc_call *call, json_t *params, struct session_params *out);
int api_params_update(
	struct rpc_call *call, json_t *params, struct session_params *out, unsigned *changes);

// The fields "suite" and "direction" ("sendrecv" if it is missing). 0, or -1 after rpc_fail().
int api_params_suite(struct rpc_call *call, json_t *params, enum suite_id *out);
int api_params_direction(struct rpc_call *call, json_t *params, enum session_direction *out);

// A session with its statistics and without its keys. NULL on lack of memory.
json_t *api_params_show(const struct session_info *info);

#define API_PARAMS_ADDRESS_MAX 64
// "10.0.0.1:20000" or "[2001:db8::1]:20000".
int api_params_address_parse(const char *text, struct session_addr *out); // 0 or -1
const char *api_params_address_text(
	const struct session_addr *address, char out[API_PARAMS_ADDRESS_MAX]);
