// SPDX-License-Identifier: BSD-3-Clause
// Log lines: levels, what stands in a line, that text cannot forge one, the limiter.
#include "engine/base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved_stderr, pipe_out;

static void capture(void)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	pipe_out = fds[0];
}

// What was written since capture().
static const char *captured(void)
{
	static char text[65536];
	ssize_t n;
	size_t length = 0;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	while ((n = read(pipe_out, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(pipe_out);
	text[length] = '\0';
	return text;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

Test(log, levels)
{
	static const struct {
		const char *name;
		int level;
	} cases[] = {{"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
		{"info", LOG_INFO}, {"debug", LOG_DEBUG}, {"", -1}, {"Error", -1}, {"7", -1},
		{"infos", -1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(log_level_parse(cases[i].name), cases[i].level, "%s", cases[i].name);
	log_init("t", LOG_WARNING);
	cr_expect(log_enabled(LOG_ERR) && log_enabled(LOG_WARNING));
	cr_expect(!log_enabled(LOG_NOTICE) && !log_enabled(LOG_DEBUG));
	capture();
	log_error("one");
	log_warning("two");
	log_notice("three");
	log_debug("four");
	const char *text = captured();
	cr_expect_eq(count_lines(text), 2);
	cr_expect(strstr(text, "one") && strstr(text, "two") && !strstr(text, "three"));
}

Test(log, line)
{
	unsigned year, month, day, hour, minute, second, ms;
	int end = 0;

	unsetenv("JOURNAL_STREAM");
	log_init("crowfly-test", LOG_INFO);
	capture();
	errno = ENOENT;
	log_notice("call %d: %m", 7);
	cr_expect_eq(errno, ENOENT);
	const char *text = captured();
	sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ %n", &year, &month, &day, &hour, &minute,
		&second, &ms, &end);
	cr_assert_gt(end, 0, "no time in: %s", text);
	cr_expect_str_eq(text + end, "crowfly-test notice: call 7: No such file or directory\n");
}

Test(log, journal)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("crowfly-test", LOG_INFO);
	capture();
	log_warning("w");
	log_info("i");
	cr_expect_str_eq(captured(), "<4>crowfly-test warning: w\n<6>crowfly-test info: i\n");
}

Test(log, text_cannot_forge_a_line)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("t", LOG_INFO);
	capture();
	log_info("%s", "a\nb\r\t\x1b[31m\x7f\xc3\xbc\x01z");
	cr_expect_str_eq(
		captured(), "<6>t info: a\\x0ab\\x0d\\x09\\x1b[31m\\x7f\\xc3\\xbc\\x01z\n");
}

Test(log, long_text_is_cut)
{
	char *long_text = malloc(100001);

	memset(long_text, '\n', 100000);
	long_text[100000] = '\0';
	log_init("t", LOG_INFO);
	capture();
	log_info("%s", long_text);
	memset(long_text, 'x', 100000);
	log_info("%s", long_text);
	const char *text = captured();
	cr_expect_eq(count_lines(text), 2);
	cr_expect_leq(strlen(text), 2 * 2048u);
	cr_expect(strstr(text, "\\x0a...\n") != NULL);
	cr_expect(strstr(text, "xxx...\n") != NULL || strstr(text, "xxx\n") != NULL);
	free(long_text);
}

Test(log, limiter_holds_and_tells)
{
	static struct log_limit limit;

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("t", LOG_INFO);
	capture();
	for (int i = 0; i < 38; i++)
		log_limited(&limit, LOG_WARNING, "refused %d", i);
	cr_expect_eq(limit.held, 37);
	limit.next_us = 1; // as if 10 s had passed
	log_limited(&limit, LOG_WARNING, "refused again");
	limit.next_us = 1;
	log_limited(&limit, LOG_WARNING, "alone");
	log_limited(&limit, LOG_DEBUG, "not shown, not counted");
	cr_expect_eq(limit.held, 0);
	cr_expect_str_eq(captured(), "<4>t warning: refused 0\n"
				     "<4>t warning: refused again (37 more in 10 s)\n"
				     "<4>t warning: alone\n");
}
