// SPDX-License-Identifier: BSD-3-Clause
// What SIGHUP says has changed: keys of the file and of the command line, in force now or after a
// restart.
#include "engine/base/conf_record.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/conf.h"
#include "engine/base/log.h"

static char path[64];
static int pipe_out, saved_stderr;

static int set(void *object, const char *value, char *error)
{
	(void)object;
	if (strcmp(value, "bad") != 0)
		return 0;
	snprintf(error, CONF_ERROR_MAX, "bad");
	return -1;
}

static void *open_section(void *program, const char *title, char *error)
{
	(void)title;
	(void)error;
	return program;
}

static const struct conf_key keys[] = {{"level", "L", "", set}, {"wire", "W", "", set},
	{"host", "H", "", set}, {"list", "A", "", set}, {0}};
static const struct conf_key more_keys[] = {{"wire", "W", "", set}, {0}};
static const struct conf_section sections[] = {
	{"main", keys, NULL}, {"more", more_keys, open_section}, {0}};
static const char *const reloaded[] = {"level", NULL};

static void setup(void)
{
	int fds[2];

	snprintf(path, sizeof(path), "/tmp/crowfly-record-%d", getpid());
	cr_assert_eq(pipe(fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	pipe_out = fds[0];
	unsetenv("JOURNAL_STREAM");
	log_init("t", LOG_INFO);
}

static void teardown(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	unlink(path);
}

TestSuite(conf_record, .init = setup, .fini = teardown);

static int read_text(const char *text, char *option)
{
	char *argv[] = {"t", "--config", path, option ? "--list" : NULL, option, NULL};
	char error[CONF_ERROR_MAX];
	FILE *file = fopen(path, "w");

	fprintf(file, "[main]\n%s", text);
	fclose(file);
	conf_record_begin();
	return conf_args(option ? 5 : 3, argv, sections, path, error);
}

// The line that reading `text` again brings, from "SIGHUP" on.
static const char *again(const char *text, char *option)
{
	static char line[1024];

	cr_assert_geq(read_text(text, option), 0);
	conf_record_tell("read", reloaded);
	ssize_t n = read(pipe_out, line, sizeof(line) - 1);
	cr_assert_gt(n, 0);
	line[n] = '\0';
	char *start = strstr(line, "SIGHUP");
	cr_assert_not_null(start, "%s", line);
	return start;
}

Test(conf_record, what_has_changed)
{
	cr_assert_geq(read_text("level = a\nwire = x\nlist = 1\n[more]\nwire = m\n", "2"), 0);
	conf_record_keep();
	cr_expect_str_eq(again("level = a\nwire = x\nlist = 1\n[more]\nwire = n\n", "2"),
		"SIGHUP: read, nothing has changed\n");
	cr_expect_str_eq(again("level = b\nwire = x\nlist = 1\n", "2"),
		"SIGHUP: read, in force now: level\n");
	// In force already
	cr_expect_str_eq(again("level = b\nwire = x\nlist = 1\n", "2"),
		"SIGHUP: read, nothing has changed\n");
	// A restart is still wanted the second time; one key twice is one value
	for (int i = 0; i < 2; i++)
		cr_expect_str_eq(again("level = b\nwire = y\nlist = 1\nhost = h\n", "3"),
			"SIGHUP: read; after a restart only: wire, list, host\n");
	// Taken out
	cr_expect_str_eq(again("list = 1\n", "2"),
		"SIGHUP: read, in force now: level; after a restart only: wire\n");
	cr_expect_str_eq(again("level = a\nwire = x\nlist = 1\n", "2"),
		"SIGHUP: read, in force now: level\n");
	cr_expect_str_eq(again("level = a\nwire = x\nlist = 1\n", NULL),
		"SIGHUP: read; after a restart only: list\n");
}

Test(conf_record, a_bad_file_is_forgotten)
{
	cr_assert_geq(read_text("level = a\n", NULL), 0);
	conf_record_keep();
	cr_expect_lt(read_text("level = b\nwire = bad\n", NULL), 0);
	conf_record_drop();
	cr_expect_str_eq(again("level = b\n", NULL), "SIGHUP: read, in force now: level\n");
}
