// SPDX-License-Identifier: BSD-3-Clause
// Log lines of all programs: one line an event, to stderr; any thread but a worker's hot path.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

// Sets the name that begins each line and the least severe level shown (LOG_ERR ... LOG_DEBUG of
// syslog.h). Under systemd (JOURNAL_STREAM set) a line begins with "<level>" instead of the time.
void log_init(const char *program, int max_level);

void log_set_level(int max_level); // at run time

// The level of a name ("error", "warning", "notice", "info", "debug"), or -1.
int log_level_parse(const char *name);

bool log_enabled(int level);

// Writes one line: time, program, level, text. Control characters in the text are written as \xNN,
// so that nothing from the network can forge a line. Never pass a secret.
void log_write(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_DEBUG, __VA_ARGS__)

// For events that a stranger on the network can cause: the first is written at once, those of the
// next 10 seconds are counted and told with the next one ("... (37 more in 10 s)"). One struct for
// each place, static, control thread.
struct log_limit {
	uint64_t next_us;
	uint64_t held;
};
void log_limited(struct log_limit *limit, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
