// SPDX-License-Identifier: BSD-3-Clause
// Files of commands, one a line. One thread.
#pragma once

#include "engine/client/client.h"

// Runs the commands of an open file until its end, `quit`, or the first that fails (unless
// client->keep_going). The status of the first that failed; its error begins with "NAME:LINE: ".
enum client_status script_run(struct client *client, FILE *file, const char *name);

// The same of a file by its name, "-" for standard input; client_fail() if it cannot be read, or
// reads itself.
enum client_status script_load(struct client *client, const char *path);
