// SPDX-License-Identifier: BSD-3-Clause
// The dictionary of what stands in capitals in the commands' patterns. No state; any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum placeholder_kind {
	PLACEHOLDER_NUMBER, // min to max; decimal, or hexadecimal with 0x
	PLACEHOLDER_TEXT,
	PLACEHOLDER_FILE,    // a path; completed from the file system
	PLACEHOLDER_ADDRESS, // IP:PORT or [IPv6]:PORT
	PLACEHOLDER_CHOICE,  // one of `choices`
};

struct placeholder {
	const char *name;
	enum placeholder_kind kind;
	uint64_t min, max;
	const char *choices; // "error|warning|notice"
	const char *help;    // "the number of a session"
};

extern const struct placeholder placeholders[]; // ends with a NULL name

// NULL: no such name.
const struct placeholder *placeholder_find(const char *name, unsigned length);

// Whether the word can stand for it.
bool placeholder_fits(const char *name, unsigned length, const char *word);

// Reads a number as a placeholder does.
bool placeholder_number(const char *word, uint64_t *number);

// IP:PORT or [IPv6]:PORT
bool placeholder_is_address(const char *word);

// "ID (the number of a session, 1 to 4294967295)"
#define PLACEHOLDER_TEXT_MAX 1024
void placeholder_describe(const char *name, unsigned length, char text[PLACEHOLDER_TEXT_MAX]);
