// SPDX-License-Identifier: BSD-3-Clause
// The engine in DPDK's telemetry (/crowfly/..., read by dpdk-telemetry.py). DPDK's telemetry
// threads ask; the control thread answers.
#pragma once

struct engine;
struct event_base;

// Registers the commands, once a process; they stay, and say nothing without an engine. 0 or
// -errno.
int telemetry_start(struct engine *engine, struct event_base *base);
// Before engine_free(): no question is under way any more.
void telemetry_stop(void);
