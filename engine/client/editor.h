// SPDX-License-Identifier: BSD-3-Clause
// Edits lines on a terminal with the line editor of librte_cmdline. One thread reads; any may write
// text above the line.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define EDITOR_LINE_MAX 600

struct editor;

struct editor_item {
	char text[64];	// the word
	char help[256]; // a line about it
	bool insert;	// not only something that may stand there
};

#define EDITOR_ITEMS_MAX 160
// What may stand where the cursor is, behind `left`.
struct editor_items {
	char more[EDITOR_LINE_MAX]; // that can be added at once, as it is the only way
	unsigned n;
	struct editor_item list[EDITOR_ITEMS_MAX];
};
typedef void (*editor_complete)(const char *left, struct editor_items *items);

// `in` is a terminal, `out` too. NULL with errno.
struct editor *editor_new(int in, int out, const char *prompt, editor_complete complete);
void editor_free(struct editor *editor);

enum editor_result { EDITOR_LINE, EDITOR_END };

// Reads a line and puts it into the history. EDITOR_END: Ctrl-D, or the terminal has gone.
enum editor_result editor_read(struct editor *editor, char line[EDITOR_LINE_MAX]);

// Makes the line that is read, and every later one, end with EDITOR_END. Any thread.
void editor_stop(struct editor *editor);

// Gives the terminal its modes back, while a line is read. For a signal handler.
void editor_restore(const struct editor *editor);

// Writes lines so that they do not destroy the one that is typed; none while the terminal's output
// is stopped. Any thread.
void editor_insert(struct editor *editor, const char *text, size_t length);
