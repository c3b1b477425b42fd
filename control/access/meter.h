// SPDX-License-Identifier: BSD-3-Clause
// Counts what the server answers, for its metrics. The server's thread.
#pragma once

#include "engine/base/metrics.h"

enum meter_method { METER_REGISTER, METER_INVITE, METER_OPTIONS, METER_OTHER, METER_METHODS };

#define METER_STATUS_MAX 699

struct meter {
	uint64_t responses[METER_METHODS][METER_STATUS_MAX + 1];
	struct metrics_histogram seconds; // for an answer
	struct metrics_histogram logins;  // for the answer with profile and routing table
};

// A request was answered.
void meter_response(struct meter *meter, const char *method, int status, double seconds);
void meter_write(const struct meter *meter, struct metrics *metrics);
