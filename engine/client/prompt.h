// SPDX-License-Identifier: BSD-3-Clause
// The prompt: commands typed at a terminal. The client's thread.
#pragma once

#include "engine/client/client.h"

struct editor;

// Reads and runs commands until `quit` or Ctrl-D. `editor` belongs to the caller.
void prompt_run(struct client *client, struct editor *editor);

// An editor for this terminal; NULL with errno.
struct editor *prompt_editor_new(int in, int out);

// The same as the crowfly program does it: on standard input and output, Ctrl-C ending commands.
void prompt_run_terminal(struct client *client);
