// SPDX-License-Identifier: BSD-3-Clause
// Log lines of all programs: one line an event, to stderr; any thread but a worker's hot path.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

// Sets the name that begins each line and the least severe level shown (LOG_ERR ... LOG_DEBUG of
// syslog.h). Where stderr is the journal's (JOURNAL_STREAM names it), a line begins with "<level>"
// instead of the time.
void log_init(const char *program, int max_level);

// A line of text, or one JSON object: time, level, program, module, message.
enum log_format { LOG_TEXT, LOG_JSON };
void log_set_format(enum log_format format);
int log_format_parse(const char *name); // "text", "json"; -1: neither

void log_set_level(int max_level); // of all modules, at run time

// A module is the last folder of the file that logs: "engine", "base", "pktio", "sip", "agent",
// "access"; and "dpdk". Sets the level of those that `pattern` (fnmatch) names; how many.
unsigned log_set_module_level(const char *pattern, int max_level);
int log_module_level(const char *module);

// The level of a name ("error", "warning", "notice", "info", "debug"), or -1; and its name.
int log_level_parse(const char *name);
const char *log_level_name(int level);

// `where` is __FILE__, or the name of a module.
bool log_enabled_in(const char *where, int level);
#define log_enabled(level) log_enabled_in(__FILE__, level)

// Writes one line: time, program, level, text. Control characters in the text are written as \xNN
// (JSON: \u00NN), so that nothing from the network can forge a line. Never pass a secret.
void log_line(const char *where, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define log_write(...) log_line(__FILE__, __VA_ARGS__)

// Lines go to `writer` instead of stderr, a line end behind each; NULL: to stderr again, and nobody
// is in the old writer any more. One that is on a terminal where something is typed, for instance.
void log_set_writer(void (*writer)(void *arg, const char *line, size_t length), void *arg);

#define log_error(...)	 log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_DEBUG, __VA_ARGS__)

// For events that a stranger on the network, or a peer that fails, can cause: the first is written
// at once, or the first `burst`; those of the next 10 seconds are counted and told with the next
// one ("... (37 more in 10 s)"). One struct for each place, static; one thread at a time.
struct log_limit {
	uint64_t next_us;
	uint64_t held;
	unsigned burst; // lines in 10 s; 0: one
	unsigned used;
};
void log_limited_line(struct log_limit *limit, const char *where, int level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define log_limited(limit, ...) log_limited_line(limit, __FILE__, __VA_ARGS__)

// The same with a limit of the place's own. log_rare: one, then counted; for what fails. log_event:
// up to 200 in 10 s; for what is worth a line each time, such as calls, but is in a peer's hands.
#define LOG_EVENTS 200
#define LOG_PLACE(lines, level, ...)                                                               \
	do {                                                                                       \
		static struct log_limit log_place_ = {.burst = (lines)};                           \
		log_limited(&log_place_, level, __VA_ARGS__);                                      \
	} while (0)
#define log_rare(level, ...)  LOG_PLACE(1, level, __VA_ARGS__)
#define log_event(level, ...) LOG_PLACE(LOG_EVENTS, level, __VA_ARGS__)
