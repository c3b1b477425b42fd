// SPDX-License-Identifier: BSD-3-Clause
// What an editor of endless lines writes, on a terminal of so many columns. One thread at a time.
#include "engine/client/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS 80 // of a terminal that does not tell

void screen_flush(struct screen *s)
{
	const char *at = s->out;

	while (s->n_out > 0 && !s->failed) {
		ssize_t n = write(s->fd, at, s->n_out);

		if (n < 0 && errno != EINTR)
			s->failed = true;
		if (n > 0) {
			at += n;
			s->n_out -= (size_t)n;
		}
	}
	s->n_out = 0;
}

static void emit(struct screen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void emit(struct screen *s, const char *fmt, ...)
{
	va_list args;

	if (sizeof(s->out) - s->n_out < 32)
		screen_flush(s);
	va_start(args, fmt);
	s->n_out += (size_t)vsnprintf(s->out + s->n_out, sizeof(s->out) - s->n_out, fmt, args);
	va_end(args);
}

static void measure(struct screen *s)
{
	struct winsize size;

	s->columns = COLUMNS;
	if (ioctl(s->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		s->columns = size.ws_col;
}

void screen_init(struct screen *s, int fd)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	measure(s);
}

// Moves the cursor of the terminal from where it is in the line to `to`.
static void move(struct screen *s, unsigned to)
{
	unsigned row = s->cursor / s->columns, new_row = to / s->columns;

	if (new_row < row)
		emit(s, "\033[%uA", row - new_row);
	else if (new_row > row)
		emit(s, "\033[%uB", new_row - row);
	emit(s, "\r");
	if (to % s->columns > 0)
		emit(s, "\033[%uC", to % s->columns);
	s->cursor = to;
}

// One character at the cursor. A terminal goes to the next row with the character behind the last
// column: here it does so at once, so that row and column follow from the place in the line.
static void show(struct screen *s, char c)
{
	emit(s, "%c", c);
	s->cursor++;
	if (s->cursor % s->columns == 0)
		emit(s, "\r\n");
}

static void put_plain(struct screen *s, char c)
{
	if (s->cursor >= SCREEN_LINE_MAX)
		return;
	s->line[s->cursor] = c;
	show(s, c);
	if (s->cursor > s->length)
		s->length = s->cursor;
}

static void end_line(struct screen *s)
{
	move(s, s->length);
	// Not a second time where the last row is full
	if (s->length == 0 || s->length % s->columns > 0)
		emit(s, "\r\n");
	s->cursor = s->length = 0;
	measure(s);
}

static void clear_right(struct screen *s)
{
	emit(s, "\033[J");
	s->length = s->cursor;
}

// One sequence is whole.
static void obey(struct screen *s, const char *sequence)
{
	char end = sequence[strlen(sequence) - 1];
	unsigned n = sequence[1] == '[' && sequence[2] != end ? (unsigned)atoi(sequence + 2) : 1;

	if (strcmp(sequence, "\033E") == 0)
		move(s, 0);
	else if (sequence[1] != '[')
		return; // ESC M, which goes before ESC E
	else if (end == 'D')
		move(s, s->cursor > n ? s->cursor - n : 0);
	else if (end == 'C')
		move(s, s->cursor + n < s->length ? s->cursor + n : s->length);
	else if (end == 'K')
		clear_right(s);
	else if (end == 'J') {
		emit(s, "\033[2J");
		s->cursor = s->length = 0;
	} else if (end == 'H') {
		emit(s, "\033[H");
	}
}

static bool is_whole(const char *sequence, unsigned n)
{
	return n > 1 && (sequence[1] != '[' ? true : n > 2 && sequence[n - 1] >= '@');
}

void screen_put(struct screen *s, char c)
{
	if (s->n_sequence > 0 || c == '\033') {
		s->sequence[s->n_sequence++] = c;
		s->sequence[s->n_sequence] = '\0';
		if (is_whole(s->sequence, s->n_sequence))
			obey(s, s->sequence);
		else if (s->n_sequence + 1 < sizeof(s->sequence))
			return;
		s->n_sequence = 0;
	} else if (c == '\n') {
		end_line(s);
	} else if (c == '\b') {
		move(s, s->cursor > 0 ? s->cursor - 1 : 0);
	} else if (c != '\r') {
		put_plain(s, c);
	}
}

void screen_insert(struct screen *s, const char *text, size_t length)
{
	unsigned cursor = s->cursor, end = s->length;

	move(s, 0);
	emit(s, "\033[J");
	screen_flush(s);
	while (length > 0 && !s->failed) {
		ssize_t n = write(s->fd, text, length);

		s->failed = n < 0 && errno != EINTR;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	for (unsigned i = 0; i < end; i++)
		show(s, s->line[i]);
	move(s, cursor);
	screen_flush(s);
}
