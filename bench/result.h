// SPDX-License-Identifier: BSD-3-Clause
// The result of a benchmark for programs: one JSON object, described in bench/README.md. Main
// thread.
#pragma once

#include <jansson.h>

#include "bench/bench.h"

// Begins a result: version, time, host, CPU, DPDK, the command with its arguments. Never NULL.
json_t *result_new(const char *command, int argc, char **argv);
// Adds a row to its array `results`, which it takes over.
void result_add(json_t *result, json_t *row);
// {"min": .., "median": .., "max": ..}
json_t *result_spread(struct bench_samples *samples);
// Writes it to `file`, if there is one, and frees it. The exit status: 0, or 1 after a message.
int result_end(json_t *result, const char *file);
