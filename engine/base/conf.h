// SPDX-License-Identifier: BSD-3-Clause
// Configuration: one INI file a program (libinih), every key of its main section also a long
// option. Start-up only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONF_ERROR_MAX 256

// One key. `set` stores `value` in `object` (the program's own struct, or what the section's `open`
// gave) and returns 0, or -1 with what was expected written to `error` (CONF_ERROR_MAX bytes).
struct conf_key {
	const char *name;     // "wire", in the file `wire = ...`, on the command line `--wire ...`
	const char *argument; // "DEVICE" for the usage; NULL: a flag, value "yes" or "no"
	const char *help;
	int (*set)(void *object, const char *value, char *error);
};

// A section, `[engine]` or, where `open` is set, a repeated one with a name: `[endpoint
// sip:alice@example.org]`.
struct conf_section {
	const char *name;
	const struct conf_key *keys; // ends with a NULL name
	// Called at each header of a repeated section with the words behind its name; returns the
	// object its keys are set in, or NULL with `error` written. NULL for the main section,
	// whose object is the program's.
	void *(*open)(void *program, const char *title, char *error);
};

// Reads `path`. The first section is the main one. Unknown section or key, a key twice, a bad
// value: -1 and one line in `error` with file, line, what was wrong and what is known. Returns 0
// when all was set, -errno if the file cannot be read.
int conf_read(const char *path, const struct conf_section *sections, void *program, char *error);

// Reads the command line: `--config FILE` first wherever it stands (as conf_read), then every main
// key as `--key value` or `--key=value`, in order, so that the command line wins; flags take no
// value. Stops at the first word that is no option. Returns its index in argv, or -1 with `error`
// written. `--help` and `--version` give CONF_HELP and CONF_VERSION.
#define CONF_HELP    -2
#define CONF_VERSION -3
int conf_args(
	int argc, char **argv, const struct conf_section *sections, void *program, char *error);

// Prints the main keys as options with their help.
void conf_usage(FILE *out, const struct conf_section *sections);

// Values. Each returns 0, or -1 with `error` saying what was expected.
int conf_bool(const char *value, bool *out, char *error);
int conf_log_level(const char *value, int *out, char *error);
int conf_log_format(const char *value, int *out, char *error);
int conf_uint(const char *value, unsigned min, unsigned max, unsigned *out, char *error);
// Reads the first line of a file that holds a secret ("-": standard input) into `out` (size bytes).
// Refuses a file that others can read. The caller wipes `out`.
int conf_secret(const char *path, char *out, size_t size, char *error);
