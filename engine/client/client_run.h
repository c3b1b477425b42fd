// SPDX-License-Identifier: BSD-3-Clause
// Running commands that are words or a line. One thread.
#pragma once

#include "engine/client/client.h"

// Runs one command; client->status says how it went.
void client_run_words(struct client *client, char *const words[], unsigned n);

// The same of a line, which it takes apart: nothing, if it is empty or a comment.
void client_run_line(struct client *client, char *line);

// From here on SIGINT and SIGTERM end the running command, and client->interrupted tells it; one
// client of the process.
void client_run_catch(struct client *client);
