// SPDX-License-Identifier: BSD-3-Clause
// Which sessions a list is to show. Control thread.
#pragma once

#include "engine/base/rpc.h"
#include "engine/session.h"
#include "engine/session_table.h"

struct session_filter {
	bool by_remote, by_suite, by_direction, by_worker, dropped, draining;
	struct session_addr remote; // port 0: any
	enum suite_id suite;
	enum session_direction direction;
	unsigned worker;
	uint64_t idle_tsc; // without a packet in either direction for so long; 0: any
};

// The fields of a request that choose sessions: "remote", "suite", "direction", "worker", "idle_s",
// "dropped", "draining". For rpc_known().
#define SESSION_FILTER_FIELDS                                                                      \
	"remote", "suite", "direction", "worker", "idle_s", "dropped", "draining"

// 0, or -1 after rpc_fail().
int session_filter_read(const struct engine *engine, struct rpc_call *call, json_t *params,
	struct session_filter *out);

bool session_filter_match(const struct session_filter *filter, const struct session *session);
