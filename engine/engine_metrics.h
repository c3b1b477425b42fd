// SPDX-License-Identifier: BSD-3-Clause
// The engine's metrics. Control thread.
#pragma once

struct metrics;

// All families; `engine` is a struct engine *, as metrics_server_new() gives it back.
void engine_metrics_write(void *engine, struct metrics *metrics);
