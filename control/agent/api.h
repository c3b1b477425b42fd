// SPDX-License-Identifier: BSD-3-Clause
// The agent's own socket: methods and events of engine/api.h. The agent's one thread.
#pragma once

#include "control/agent/call.h"

struct api *api_new(struct agent *agent, char *error);
void api_free(struct api *api);
// Events. Before api_new() and after api_free() they do nothing.
void api_call_changed(struct call *call);
void api_peer_changed(struct peer *peer);
void api_endpoint_changed(struct endpoint *endpoint);
// Late answer: refused, with the SIP status that tells why (data.status). NULL: nobody waits.
void api_refuse(struct rpc_call *waiting, int status, const char *reason);
