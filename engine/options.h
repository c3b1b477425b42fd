// SPDX-License-Identifier: BSD-3-Clause
// The engine's command line and INI file, and which part of it is DPDK's. Start-up only.
#pragma once

#include <stdio.h>

#include "engine/engine.h"

#define OPTIONS_EAL_MAX 64 // words

struct options {
	struct engine_config config;
	int log_level, log_format;
	const char *metrics; // where they are given out; NULL: nowhere
	bool metrics_anywhere;
	bool check, check_json; // look at the machine and end
	const char *check_root; // what stands for / there; NULL: /
	bool interactive;
	unsigned drain_timeout_s; // after SIGTERM; 0: stop at once
	// For eal_init(): the words before `--`, or those of the key `eal`
	int eal_argc;
	char *eal_argv[OPTIONS_EAL_MAX + 2];
	const char *eal; // the key
};

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_ERROR };

// `[EAL options] -- [options]`, or options alone. OPTIONS_ERROR: `error` (CONF_ERROR_MAX) is
// written.
enum options_result options_read(struct options *options, int argc, char **argv, char *error);
void options_usage(FILE *out);
// Frees what options_read() has copied.
void options_free(struct options *options);
