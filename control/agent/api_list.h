// SPDX-License-Identifier: BSD-3-Clause
// call.list and peer.list of engine/api.h. The agent's one thread.
#pragma once

#include "control/agent/call.h"

json_t *api_list_calls(struct agent *agent, struct rpc_call *rpc, json_t *params);
// Of one endpoint, or (NULL) of all. The fields of `params` have been looked at.
json_t *api_list_peers(
	struct agent *agent, struct endpoint *endpoint, struct rpc_call *rpc, json_t *params);
