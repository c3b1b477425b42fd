// SPDX-License-Identifier: BSD-3-Clause
// What dataplane.c (requests, events) and dataplane_compare.c (after a reconnect) share.
#pragma once

#include "control/agent/dataplane.h"

struct dataplane {
	struct agent *agent;
	struct rpc_client *client;
	unsigned round; // of comparisons; calls remember the last that saw them
};

// The tag as an object (a new reference) if it is one of this agent's, else NULL.
json_t *dataplane_our_tag(const struct agent *agent, const char *text);
// Goes through all sessions of the engine: takes up those of ours that we do not know, removes
// those of calls that are over, ends calls whose session is gone.
void dataplane_compare(struct dataplane *dataplane);
