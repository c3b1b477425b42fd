// SPDX-License-Identifier: BSD-3-Clause
// Edits lines on a terminal with the line editor of librte_cmdline. One thread reads; any may write
// text above the line.
#include "engine/client/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmdline_rdline.h>

#include "engine/client/screen.h"

#define HELP_AT	  26 // the column of the help, in a list
#define INPUT_MAX 256
#define INSERT_NS 50000000 // that text waits for a line that is being written

struct editor {
	int in, stop[2];
	const char *prompt;
	struct rdline *rdline;
	editor_complete complete;
	struct termios modes; // of the terminal, before
	pthread_mutex_t lock; // of what follows
	struct screen screen;
	bool reading;
	// of the reading thread
	struct editor_items items;
	char line[EDITOR_LINE_MAX];
	char input[INPUT_MAX]; // typed ahead
	size_t n_input;
	char escape[8]; // sequence begun
	unsigned n_escape;
};

// ---- what rdline calls

static int write_char(struct rdline *rdline, char c)
{
	struct editor *editor = rdline_get_opaque(rdline);

	screen_put(&editor->screen, c);
	return 0;
}

static void validate(struct rdline *rdline, const char *line, unsigned size)
{
	struct editor *editor = rdline_get_opaque(rdline);

	(void)size;
	snprintf(editor->line, sizeof(editor->line), "%s", line);
	editor->line[strcspn(editor->line, "\n")] = '\0';
}

// One item as a line, its help wrapped. rdline puts a blank before it.
static void write_item(
	const struct editor *editor, const struct editor_item *item, char *out, size_t size)
{
	unsigned columns = editor->screen.columns, width;
	const char *help = item->help;
	size_t at = (size_t)snprintf(out, size, " %-*s", HELP_AT - 3, item->text);
	bool beside = strlen(item->text) < HELP_AT - 2;

	width = columns > HELP_AT + 20 ? columns - HELP_AT - 1 : 20;
	for (; *help && at + columns + 8 < size; beside = false) {
		size_t length = strlen(help), cut = width;

		if (length > width)
			for (length = width; cut > 0 && help[cut] != ' '; cut--)
				;
		if (length == width && cut > 0 && strlen(help) > width)
			length = cut;
		at += (size_t)snprintf(out + at, size - at, "%s%*s%.*s", beside ? "" : "\r\n",
			beside ? 1 : HELP_AT, "", (int)length, help);
		help += length;
		help += strspn(help, " ");
	}
}

// *state: 0 with Tab, -1 with `?`, then the item that is next
static int on_complete(
	struct rdline *rdline, const char *left, char *out, unsigned size, int *state)
{
	struct editor *editor = rdline_get_opaque(rdline);

	if (*state <= 0) {
		editor->items.n = 0;
		editor->items.more[0] = '\0';
		editor->complete(left, &editor->items);
		if (*state == 0 && editor->items.more[0]) {
			snprintf(out, size, "%s", editor->items.more);
			return RDLINE_RES_COMPLETE;
		}
		*state = 0;
	}
	if ((unsigned)*state >= editor->items.n)
		return 0;
	write_item(editor, &editor->items.list[(*state)++], out, size);
	return 1;
}

// ---- keys

// Home, End and Ctrl-U, which rdline does not know, as the keys that it does.
static void put_key(struct editor *editor, int *result, char c)
{
	static const struct {
		const char *sequence;
		char key;
	} keys[] = {{"\033[H", 1}, {"\033[1~", 1}, {"\033OH", 1}, {"\033[F", 5}, {"\033[4~", 5},
		{"\033OF", 5}};
	bool begins = false;

	if (c == 0x15) { // Ctrl-U: to the begin, and cut
		rdline_char_in(editor->rdline, 1);
		c = 0x0b;
	}
	if (editor->n_escape == 0 && c != '\033') {
		*result = rdline_char_in(editor->rdline, c);
		return;
	}
	editor->escape[editor->n_escape++] = c;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t length = strlen(keys[i].sequence);

		if (strncmp(keys[i].sequence, editor->escape, editor->n_escape) != 0)
			continue;
		begins = editor->n_escape < length;
		if (editor->n_escape == length) {
			*result = rdline_char_in(editor->rdline, keys[i].key);
			editor->n_escape = 0;
			return;
		}
	}
	if (begins && editor->n_escape + 1 < sizeof(editor->escape))
		return;
	for (unsigned i = 0; i < editor->n_escape; i++)
		*result = rdline_char_in(editor->rdline, editor->escape[i]);
	editor->n_escape = 0;
}

// Takes what was typed, up to the end of a line. False: more is needed.
static bool take_input(struct editor *editor, enum editor_result *result)
{
	size_t used = 0;
	int rc = 0;

	pthread_mutex_lock(&editor->lock);
	while (used < editor->n_input && rc != RDLINE_RES_VALIDATED && rc != RDLINE_RES_EOF)
		put_key(editor, &rc, editor->input[used++]);
	screen_flush(&editor->screen);
	pthread_mutex_unlock(&editor->lock);
	memmove(editor->input, editor->input + used, editor->n_input - used);
	editor->n_input -= used;
	*result = rc == RDLINE_RES_VALIDATED ? EDITOR_LINE : EDITOR_END;
	return rc == RDLINE_RES_VALIDATED || rc == RDLINE_RES_EOF;
}

static enum editor_result read_line(struct editor *editor)
{
	enum editor_result result;

	while (!take_input(editor, &result)) {
		struct pollfd ready[] = {{.fd = editor->in, .events = POLLIN},
			{.fd = editor->stop[0], .events = POLLIN}};
		int rc = poll(ready, 2, -1);
		ssize_t n = rc > 0 && !ready[1].revents
				    ? read(editor->in, editor->input, sizeof(editor->input))
				    : rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (ready[1].revents)
			return EDITOR_END;
		if (n <= 0 || editor->screen.failed)
			return EDITOR_END;
		editor->n_input = (size_t)n;
	}
	return result;
}

// ---- the terminal

static void set_raw(struct editor *editor)
{
	struct termios raw;

	tcgetattr(editor->in, &editor->modes);
	raw = editor->modes;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)IXON; // Ctrl-S would hold up the line, and with it the log
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(editor->in, TCSADRAIN, &raw);
}

void editor_restore(const struct editor *editor)
{
	if (editor->reading)
		tcsetattr(editor->in, TCSANOW, &editor->modes);
}

enum editor_result editor_read(struct editor *editor, char line[EDITOR_LINE_MAX])
{
	enum editor_result result;

	set_raw(editor);
	pthread_mutex_lock(&editor->lock);
	screen_init(&editor->screen, editor->screen.fd);
	editor->reading = true;
	rdline_newline(editor->rdline, editor->prompt);
	screen_flush(&editor->screen);
	pthread_mutex_unlock(&editor->lock);
	result = read_line(editor);
	pthread_mutex_lock(&editor->lock);
	if (result == EDITOR_END)
		screen_put(&editor->screen, '\n');
	screen_flush(&editor->screen);
	tcsetattr(editor->in, TCSADRAIN, &editor->modes);
	editor->reading = false;
	pthread_mutex_unlock(&editor->lock);
	snprintf(line, EDITOR_LINE_MAX, "%s", editor->line);
	if (result == EDITOR_LINE && line[strspn(line, " ")])
		rdline_add_history(editor->rdline, line);
	return result;
}

// False while the terminal's output is stopped (Ctrl-S), or nobody reads it. What is not written
// then is lost: who has something to tell must not wait.
static bool takes_output(const struct editor *editor)
{
	struct pollfd state = {.fd = editor->screen.fd, .events = POLLOUT};

	return poll(&state, 1, 0) > 0 && (state.revents & POLLOUT);
}

static bool lock_soon(struct editor *editor)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += INSERT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_mutex_timedlock(&editor->lock, &until) == 0;
}

void editor_insert(struct editor *editor, const char *text, size_t length)
{
	if (!lock_soon(editor))
		return;
	if (takes_output(editor) && editor->reading)
		screen_insert(&editor->screen, text, length);
	else if (takes_output(editor) && write(editor->screen.fd, text, length) < 0)
		editor->screen.failed = true;
	pthread_mutex_unlock(&editor->lock);
}

void editor_stop(struct editor *editor)
{
	// The thread that writes may go on: TCOON alone does not undo Ctrl-S
	tcflow(editor->in, TCOOFF);
	tcflow(editor->in, TCOON);
	if (write(editor->stop[1], "", 1) < 0)
		editor->screen.failed = true;
}

struct editor *editor_new(int in, int out, const char *prompt, editor_complete complete)
{
	struct editor *editor = calloc(1, sizeof(*editor));

	if (!editor)
		return NULL;
	editor->in = in;
	editor->prompt = prompt;
	editor->complete = complete;
	editor->stop[0] = editor->stop[1] = -1;
	editor->rdline = rdline_new(write_char, validate, on_complete, editor);
	pthread_mutex_init(&editor->lock, NULL);
	screen_init(&editor->screen, out);
	if (editor->rdline && pipe2(editor->stop, O_CLOEXEC) == 0)
		return editor;
	editor_free(editor);
	errno = ENOMEM;
	return NULL;
}

void editor_free(struct editor *editor)
{
	if (!editor)
		return;
	for (int i = 0; i < 2; i++)
		if (editor->stop[i] >= 0)
			close(editor->stop[i]);
	pthread_mutex_destroy(&editor->lock);
	rdline_free(editor->rdline);
	free(editor);
}
