// SPDX-License-Identifier: BSD-3-Clause
// What DPDK's telemetry commands answer. Control thread.
#pragma once

#include <rte_telemetry.h>

struct engine;

struct telemetry_command {
	const char *name; // "/crowfly/totals"
	const char *help;
	// Fills `data`; `params` (may be NULL) is what stands behind the comma. 0 or -errno.
	int (*answer)(struct engine *engine, const char *params, struct rte_tel_data *data);
};

extern const struct telemetry_command telemetry_commands[]; // ends with a NULL name
