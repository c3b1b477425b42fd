// SPDX-License-Identifier: BSD-3-Clause
// What an editor of endless lines writes, on a terminal of so many columns: lines that are longer
// go on in the next row, and text can be put in above them. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_LINE_MAX 640 // prompt and line

// The editor knows these: \r\n, and the sequences of a VT100 that go left and right in the line,
// clear what is right of the cursor, and go to its begin.
struct screen {
	int fd;
	unsigned columns;
	char line[SCREEN_LINE_MAX]; // as it is shown
	unsigned length, cursor;
	char sequence[16]; // begun
	unsigned n_sequence;
	bool failed;	// the terminal has gone
	char out[4096]; // not yet written
	size_t n_out;
};

void screen_init(struct screen *screen, int fd);

// One character of the editor's output.
void screen_put(struct screen *screen, char c);

// Writes what waits.
void screen_flush(struct screen *screen);

// Writes text above the line: it ends with a line end.
void screen_insert(struct screen *screen, const char *text, size_t length);
