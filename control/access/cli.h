// SPDX-License-Identifier: BSD-3-Clause
// The commands on the store: user, permit, forbid, permitted, status. The tool's only thread; the
// server may be running.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "control/access/config.h"

// A command line, taken apart: words, and the options that belong to commands.
struct cli {
	const char *words[8]; // "user", "add", "sip:alice@example.org"
	int n_words;
	const char *password_file; // --password-file, NULL: none
	const char *list;	   // -f, --file, NULL: none
	bool md5;		   // --md5
};

// Runs the command and returns the program's exit status: 0 done, 1 failed, 2 wrong usage; errors
// go to stderr.
int cli_run(const struct cli *cli, const struct config *config);
void cli_usage(FILE *out);
