// SPDX-License-Identifier: BSD-3-Clause
// The agent's metrics: what happened, and what there is. The agent's one thread.
#pragma once

#include <stdbool.h>

#include "engine/base/metrics.h"

struct meter {
	struct metrics_histogram logins;   // from the REGISTER to the tables
	struct metrics_histogram requests; // from the INVITE to the first response
	struct metrics_histogram setups;   // from the INVITE to media
	struct metrics_histogram calls;	   // from media to the end
	uint64_t logins_refused;
	uint64_t ended[2][6]; // calls, by outgoing and the status' first digit
};

void meter_init(struct meter *meter);
// A call has ended with that status.
void meter_call_ended(struct meter *meter, bool outgoing, int status);
// One that was up has ended after so long.
void meter_call_lasted(struct meter *meter, double seconds);
// All families; `agent` is a struct agent *.
void meter_write(void *agent, struct metrics *metrics);
