// SPDX-License-Identifier: BSD-3-Clause
// The options that the benchmarks have in common. Main thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/suite.h"

#define OPTIONS_LIST 16 // values of one option

enum bench_direction { BENCH_PROTECT, BENCH_UNPROTECT, BENCH_BOTH, BENCH_DIRECTIONS };
extern const char *const bench_direction_names[BENCH_DIRECTIONS];

struct options {
	const char *takes; // names of the options that the command has: "streams json"; NULL: all
	unsigned n_streams, n_payloads, n_suites, n_directions, n_loads;
	uint32_t streams[OPTIONS_LIST];	 // directions of sessions with contexts of their own
	uint32_t payloads[OPTIONS_LIST]; // bytes of RTP payload
	enum suite_id suites[OPTIONS_LIST];
	enum bench_direction directions[OPTIONS_LIST];
	unsigned loads[OPTIONS_LIST]; // percent
	unsigned workers;
	unsigned repeats;
	double seconds; // of measuring, for each row
	double loss;	// part of the packets that may be lost
	unsigned n_ports;
	const char *ports[2]; // DPDK devices: towards the wire port, towards the host port
	const char *crypto, *json, *socket;
	bool verify;
};

// Reads the arguments behind the command's name over the defaults in *options. Returns -1 to go on,
// or the exit status after a message or the help, which begins with `about`.
int options_read(struct options *options, int argc, char **argv, const char *about);
