// SPDX-License-Identifier: BSD-3-Clause
// Writes the log lines of all programs; any thread, a line is one write().
#include "engine/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048	 // of a written line; a longer one ends in "..."
#define LIMIT_US       10000000u // how long log_limited() holds lines back

static const char *program_name = "crowfly";
static int level_max = LOG_INFO;
static bool to_journal;

static const struct {
	int level;
	const char *name;
} levels[] = {
	{LOG_ERR, "error"},
	{LOG_WARNING, "warning"},
	{LOG_NOTICE, "notice"},
	{LOG_INFO, "info"},
	{LOG_DEBUG, "debug"},
};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))

void log_init(const char *program, int max_level)
{
	program_name = program;
	level_max = max_level;
	to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_level(int max_level)
{
	level_max = max_level;
}

int log_level_parse(const char *name)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	}
	return -1;
}

bool log_enabled(int level)
{
	return level <= level_max;
}

static const char *level_name(int level)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (levels[i].level >= level)
			return levels[i].name;
	}
	return "debug";
}

// The part of a line before the text.
static size_t write_head(char *out, size_t size, int level)
{
	struct timespec now;
	struct tm utc;

	if (to_journal)
		return snprintf(out, size, "<%d>%s %s: ", level, program_name, level_name(level));
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
	n += snprintf(out + n, size - n, ".%03ldZ %s %s: ", now.tv_nsec / 1000000, program_name,
		level_name(level));
	return n;
}

// Appends `text`, everything but printable ASCII as \xNN, and the line's end.
static size_t write_text(char *out, size_t n, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	static const char cut[] = "...";

	for (; *text; text++) {
		unsigned char c = *text;

		if (n + 4 + sizeof(cut) > size) {
			memcpy(out + n, cut, sizeof(cut) - 1);
			n += sizeof(cut) - 1;
			break;
		}
		if (c >= 0x20 && c < 0x7f) {
			out[n++] = c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n++] = '\n';
	return n;
}

static void write_line(int level, const char *text)
{
	char line[LINE_MAX_BYTES];
	size_t n = write_head(line, 256, level);

	n = write_text(line, n < 256 ? n : 255, sizeof(line), text);
	// A log that cannot be written is no reason to stop
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

void log_write(int level, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	write_line(level, text);
	errno = saved;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void log_limited(struct log_limit *limit, int level, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	uint64_t now = now_us();
	va_list args;

	if (!log_enabled(level))
		return;
	if (now < limit->next_us) {
		limit->held++;
		return;
	}
	errno = saved;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (limit->held && n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, " (%llu more in %u s)",
			(unsigned long long)limit->held, LIMIT_US / 1000000);
	limit->next_us = now + LIMIT_US;
	limit->held = 0;
	write_line(level, text);
	errno = saved;
}
