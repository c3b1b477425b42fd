// SPDX-License-Identifier: BSD-3-Clause
// Writes the log lines of all programs; any thread, a line is one write().
#include "engine/base/log.h"

#include "engine/base/log_json.h"

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 // of a written line; a longer one ends in "..."
#define HEAD_MAX_BYTES 384
#define MODULE_MAX     16
#define LIMIT_US       10000000u // how long log_limited() holds lines back

static const char *program_name = "crowfly";
static pthread_mutex_t line_lock = PTHREAD_MUTEX_INITIALIZER; // of the two
static void (*line_writer)(void *arg, const char *line, size_t length);
static void *line_writer_arg;
static bool to_journal;
static enum log_format line_format;

// The levels of the modules, and of all others.
static struct {
	const char *name;
	int level;
} modules[] = {
	{"engine", LOG_INFO},
	{"pktio", LOG_INFO},
	{"base", LOG_INFO},
	{"dpdk", LOG_INFO},
	{"sip", LOG_INFO},
	{"agent", LOG_INFO},
	{"access", LOG_INFO},
	{"", LOG_INFO},
};
#define MODULES (sizeof(modules) / sizeof(modules[0]))

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

// The journal tells its stream's device and inode: stderr may have been sent elsewhere since.
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *program, int max_level)
{
	program_name = program;
	log_set_level(max_level);
	to_journal = is_journal();
}

void log_set_format(enum log_format format)
{
	line_format = format;
}

int log_format_parse(const char *name)
{
	if (strcmp(name, "text") == 0)
		return LOG_TEXT;
	return strcmp(name, "json") == 0 ? LOG_JSON : -1;
}

void log_set_level(int max_level)
{
	for (size_t i = 0; i < MODULES; i++)
		__atomic_store_n(&modules[i].level, max_level, __ATOMIC_RELAXED);
}

unsigned log_set_module_level(const char *pattern, int max_level)
{
	unsigned n = 0;

	for (size_t i = 0; i < MODULES - 1; i++) {
		if (fnmatch(pattern, modules[i].name, 0) != 0)
			continue;
		__atomic_store_n(&modules[i].level, max_level, __ATOMIC_RELAXED);
		n++;
	}
	return n;
}

int log_module_level(const char *module)
{
	size_t i = 0;

	while (i < MODULES - 1 && strcmp(modules[i].name, module) != 0)
		i++;
	return __atomic_load_n(&modules[i].level, __ATOMIC_RELAXED);
}

// The last folder of a path: "base" of "engine/base/rpc.c".
static const char *module_of(const char *where, char name[MODULE_MAX])
{
	const char *end = strrchr(where, '/'), *start = end;

	if (!end)
		return where;
	while (start > where && start[-1] != '/')
		start--;
	snprintf(name, MODULE_MAX, "%.*s", (int)(end - start), start);
	return name;
}

bool log_enabled_in(const char *where, int level)
{
	char name[MODULE_MAX];

	return level <= log_module_level(module_of(where, name));
}

int log_level_parse(const char *name)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	}
	return -1;
}

const char *log_level_name(int level)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (levels[i].level >= level)
			return levels[i].name;
	}
	return "debug";
}

// RFC 3339, UTC, milliseconds. Its length.
static size_t write_time(char *out, size_t size)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
	return n + snprintf(out + n, size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

// The part of a line before the text.
static size_t write_head(char *out, size_t size, const char *where, int level)
{
	char time[64], name[MODULE_MAX];
	int n = to_journal ? snprintf(out, size, "<%d>", level) : 0;

	write_time(time, sizeof(time));
	if (line_format == LOG_JSON)
		n += snprintf(out + n, size - n,
			"{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"module\":\"%s\","
			"\"message\":\"",
			time, log_level_name(level), program_name, module_of(where, name));
	else
		n += snprintf(out + n, size - n, "%s%s%s %s: ", to_journal ? "" : time,
			to_journal ? "" : " ", program_name, log_level_name(level));
	return (size_t)n < size ? (size_t)n : size - 1;
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
	return n;
}

void log_set_writer(void (*writer)(void *arg, const char *line, size_t length), void *arg)
{
	pthread_mutex_lock(&line_lock);
	line_writer = writer;
	line_writer_arg = arg;
	pthread_mutex_unlock(&line_lock);
}

static void write_out(const char *line, size_t length)
{
	pthread_mutex_lock(&line_lock);
	if (line_writer)
		line_writer(line_writer_arg, line, length);
	else if (write(STDERR_FILENO, line, length) < 0)
		length = 0; // a log that cannot be written is no reason to stop
	pthread_mutex_unlock(&line_lock);
}

static void write_line(const char *where, int level, const char *text)
{
	char line[LINE_MAX_BYTES];
	size_t n = write_head(line, HEAD_MAX_BYTES, where, level);

	if (line_format == LOG_JSON) {
		n = log_json_text(line, n, sizeof(line) - 3, text);
		memcpy(line + n, "\"}", 2);
		n += 2;
	} else {
		n = write_text(line, n, sizeof(line) - 1, text);
	}
	line[n++] = '\n';
	write_out(line, n);
}

void log_line(const char *where, int level, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	va_list args;

	if (!log_enabled_in(where, level))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	write_line(where, level, text);
	errno = saved;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// Whether a line may be written now; else it is counted.
static bool may_write(struct log_limit *limit)
{
	uint64_t now = now_us();

	if (now >= limit->next_us) {
		limit->next_us = now + LIMIT_US;
		limit->used = 0;
	}
	if (limit->used < (limit->burst ? limit->burst : 1)) {
		limit->used++;
		return true;
	}
	limit->held++;
	return false;
}

void log_limited_line(struct log_limit *limit, const char *where, int level, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	va_list args;

	if (!log_enabled_in(where, level) || !may_write(limit))
		return;
	errno = saved;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (limit->held && n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, " (%llu more in %u s)",
			(unsigned long long)limit->held, LIMIT_US / 1000000);
	limit->held = 0;
	write_line(where, level, text);
	errno = saved;
}
