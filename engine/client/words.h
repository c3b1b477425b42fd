// SPDX-License-Identifier: BSD-3-Clause
// Cuts a line into words, as shells do. No state; any thread.
#pragma once

// Words are parted by blanks; "..." and '...' hold them together, \ takes the next character as it
// is, # at the beginning of a word ends the line. Works in `line`, where the words stay. How many,
// or -1: there are more than `max`, or -2: a quote is not closed.
int words_split(char *line, char *words[], unsigned max);
