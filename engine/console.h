// SPDX-License-Identifier: BSD-3-Clause
// The prompt on the engine's own terminal (-i): a client of the engine's API on a thread of its
// own. All functions: control thread.
#pragma once

#include <stdbool.h>

struct api_server;
struct console;
struct event_base;

// Starts the prompt on standard input; commands in a file or pipe are run one by one, up to the
// first that fails. `ended` is called on the base's thread after `quit` or the end of the input.
// NULL and errno.
struct console *console_new(
	struct event_base *base, struct api_server *api, void (*ended)(void *arg), void *arg);

// Ends the command that runs, if one waits for its answer; whether one did.
bool console_interrupt(struct console *console);

// Ends the prompt, gives the terminal its modes back. The exit status of the first command of a
// file that failed; 0 of a terminal. Before api_server_free().
int console_free(struct console *console);
