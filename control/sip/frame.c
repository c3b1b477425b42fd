// SPDX-License-Identifier: BSD-3-Clause
// Where messages begin and end in a stream. The event loop's thread.
#include "control/sip/frame.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static enum frame_result bad(const char **why, const char *what)
{
	*why = what;
	return FRAME_BAD;
}

// Behind the colon if the line is of that name, else NULL.
static const char *value_of(const char *line, size_t length, const char *name)
{
	size_t at = strlen(name);

	if (length < at || strncasecmp(line, name, at) != 0)
		return NULL;
	while (at < length && (line[at] == ' ' || line[at] == '\t'))
		at++;
	return at < length && line[at] == ':' ? line + at + 1 : NULL;
}

// Digits with space around them, up to `end`. False if it is something else, or huge.
static bool read_number(const char *p, const char *end, size_t *out)
{
	size_t number = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (p == end || end - p > 12)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		number = number * 10 + (size_t)(*p - '0');
	}
	*out = number;
	return true;
}

// NULL if the head has one Content-Length that is a number, else what is wrong.
static const char *content_length(const char *head, size_t length, size_t *out)
{
	const char *line = head, *stop = head + length - 2; // the empty line
	bool found = false;

	while (line < stop) {
		const char *end = memmem(line, (size_t)(stop - line), "\r\n", 2);
		const char *value = value_of(line, (size_t)(end - line), "Content-Length");

		if (value == NULL)
			value = value_of(line, (size_t)(end - line), "l");
		if (value != NULL) {
			if (found || !read_number(value, end, out))
				return "a bad Content-Length";
			found = true;
		}
		line = end + 2;
	}
	return found ? NULL : "no Content-Length";
}

// CRLFs before a message are nothing, but two of them are a ping.
static enum frame_result line_break(
	struct frame *frame, const char *data, size_t length, size_t *used, const char **why)
{
	if (length < 2)
		return FRAME_MORE;
	if (data[1] != '\n')
		return bad(why, "a carriage return alone");
	*used = 2;
	frame->breaks ^= 1;
	return frame->breaks == 0 ? FRAME_PING : FRAME_BREAK;
}

static enum frame_result find_head(struct frame *frame, const char *data, size_t length,
	size_t head_max, size_t body_max, const char **why)
{
	size_t from = frame->searched < 3 ? 0 : frame->searched - 3, body = 0;
	size_t limit = length < head_max ? length : head_max;
	const char *end = memmem(data + from, limit - from, "\r\n\r\n", 4), *wrong;

	if (end == NULL) {
		frame->searched = limit;
		return length >= head_max ? bad(why, "headers that are too long") : FRAME_MORE;
	}
	frame->head = (size_t)(end - data) + 4;
	wrong = content_length(data, frame->head, &body);
	if (wrong != NULL)
		return bad(why, wrong);
	if (body > body_max)
		return bad(why, "a body that is too long");
	frame->whole = frame->head + body;
	return FRAME_WHOLE;
}

enum frame_result frame_next(struct frame *frame, const char *data, size_t length, size_t head_max,
	size_t body_max, size_t *used, const char **why)
{
	enum frame_result result;

	*used = 0;
	if (length == 0)
		return FRAME_MORE;
	if (frame->head == 0) {
		if (data[0] == '\r')
			return line_break(frame, data, length, used, why);
		if (data[0] == '\n')
			return bad(why, "a line feed alone");
		result = find_head(frame, data, length, head_max, body_max, why);
		if (result != FRAME_WHOLE)
			return result;
	}
	if (length < frame->whole)
		return FRAME_MORE;
	*used = frame->whole;
	*frame = (struct frame){0};
	return FRAME_WHOLE;
}
