// SPDX-License-Identifier: BSD-3-Clause
// The table of all commands, and looking words up in it. No state; any thread.
#pragma once

#include "engine/client/client.h"
#include "engine/client/pattern.h"

#define COMMANDS_ERROR_MAX    2048
#define COMMANDS_EXPECTED_MAX 128

struct client_args {
	struct pattern_args pattern;
};

// A file of commands each; they end with a NULL pattern.
extern const struct client_command command_session[], command_port[], command_capture[],
	command_config[], command_system[], command_observe[], command_trace[], command_agent[],
	command_client[];
extern const struct client_command command_fwd[];

struct commands_section {
	const char *name, *help;
};
extern const struct commands_section commands_sections[]; // ends with a NULL name

// The i-th command of the table, from 0; NULL behind the last.
const struct client_command *commands_at(unsigned i);

// A word that may follow, and a command that it leads to.
struct commands_expected {
	struct pattern_token token;
	const struct client_command *command;
	unsigned n; // how many commands it leads to
};

struct commands_match {
	const struct client_command *command; // that the words are, or NULL
	struct client_args args;
	unsigned matched; // words that begin a command
	bool may_end;	  // these alone are a command
	unsigned n_expected;
	struct commands_expected expected[COMMANDS_EXPECTED_MAX]; // behind these
};

void commands_match(char *const words[], unsigned n, struct commands_match *match);

// Says what is wrong with words that are no command, where, and what was expected.
void commands_explain(char *const words[], unsigned n, const struct commands_match *match,
	char error[COMMANDS_ERROR_MAX]);
