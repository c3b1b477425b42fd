// SPDX-License-Identifier: BSD-3-Clause
// Patterns of commands, "show session (all|ID) [detail] [limit N]": words are matched with them,
// and they tell what may follow. No state; any thread.
//
//   word       itself                       (a|b)     one of them, each may be several words
//   NAME       a placeholder (placeholder.h)  [a] [b]   optional; neighbours in any order, each
//   once NAME...    one or more of them
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PATTERN_WORDS_MAX    32 // of a command
#define PATTERN_EXPECTED_MAX 64

// What a word of the command was matched with.
struct pattern_arg {
	const char *name;  // the fixed word, or the placeholder's name, as it stands in the pattern
	unsigned length;   // of the name
	const char *after; // the fixed word before it; NULL if there is none
	unsigned after_length;
	const char *value; // the word itself
	bool fixed;
};

struct pattern_args {
	unsigned n;
	struct pattern_arg args[PATTERN_WORDS_MAX];
};

// What may follow: a fixed word, a placeholder, or (NULL) the end.
struct pattern_token {
	const char *text;
	unsigned length;
	const char *next; // the placeholder behind a fixed word; NULL: another thing is behind it
	unsigned next_length;
	bool fixed;
};

struct pattern_match {
	bool whole;	  // all words match, and nothing is missing
	bool good;	  // the pattern itself can be read
	unsigned matched; // words, from the first
	unsigned n_expected;
	struct pattern_token expected[PATTERN_EXPECTED_MAX]; // behind the matched words
	struct pattern_args args;			     // if it is whole
};

void pattern_match(
	const char *pattern, char *const words[], unsigned n, struct pattern_match *match);

// The value of the placeholder `name`, or of the one behind the fixed word `name`: the first, if
// there are several. NULL: it was not given.
const char *pattern_arg_text(const struct pattern_args *args, const char *name);

// Whether the fixed word or the placeholder was given.
bool pattern_arg_has(const struct pattern_args *args, const char *name);
