// SPDX-License-Identifier: BSD-3-Clause
// Where the command line gets passwords: files and standard input, never arguments.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "control/access/aor.h"

#define PASSWORD_MAX 1024

// Reads one password: the first line of a file that others cannot read, or ("-") of standard input,
// asked for without echo if that is a terminal. 0, or -1 and one line in `error`. The caller wipes.
int password_read(const char *path, char out[PASSWORD_MAX], char error[ERROR_MAX]);

// Opens a list for reading, "-": standard input. `secret`: refuses a file that others can read.
// NULL and one line in `error`.
FILE *password_open_list(const char *path, bool secret, char error[ERROR_MAX]);
