// SPDX-License-Identifier: BSD-3-Clause
// Log lines: levels, what stands in a line, that text cannot forge one, the limiter.
#include "engine/base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

// As if stderr, captured, were the journal's.
static void journal(void)
{
	struct stat st;
	char stream[64];

	cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
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
	capture();
	journal();
	log_init("crowfly-test", LOG_INFO);
	log_warning("w");
	log_info("i");
	cr_expect_str_eq(captured(), "<4>crowfly-test warning: w\n<6>crowfly-test info: i\n");
}

// A program of the journal's whose stderr was sent elsewhere
Test(log, another_stream_than_the_journals)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("crowfly-test", LOG_INFO);
	capture();
	log_warning("w");
	const char *text = captured();
	cr_expect_eq(text[0], '2', "%s", text);
	cr_expect(strstr(text, "Z crowfly-test warning: w\n") != NULL, "%s", text);
}

// One line as JSON; the caller frees it.
static json_t *json_line(const char *message)
{
	json_error_t error;

	unsetenv("JOURNAL_STREAM");
	log_init("crowfly-test", LOG_INFO);
	log_set_format(LOG_JSON);
	capture();
	log_line("control/agent/call.c", LOG_WARNING, "%s", message);
	log_set_format(LOG_TEXT);
	const char *text = captured();
	cr_assert_eq(count_lines(text), 1, "%s", text);
	json_t *object = json_loads(text, 0, &error);
	cr_assert_not_null(object, "%s: %s", error.text, text);
	return object;
}

static const char *field(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

Test(log, json)
{
	static const struct {
		const char *message, *shown;
	} cases[] = {
		{"plain", "plain"},
		{"", ""},
		{"a\nb\r\t\x1b[31m\x7f \"q\" \\", "a\nb\r\t\x1b[31m\x7f \"q\" \\"},
		{"m\xc3\xbcnd \xe2\x82\xac \xf0\x9f\x98\x80",
			"m\xc3\xbcnd \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xff|\xc3|\xc0\x80|\xed\xa0\x80|\xf5",
			"\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd"},
		{"\",\"level\":\"debug", "\",\"level\":\"debug"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *object = json_line(cases[i].message);
		unsigned year, ms;
		int end = 0;

		cr_expect_eq(json_object_size(object), 5);
		cr_expect_str_eq(field(object, "message"), cases[i].shown);
		cr_expect_str_eq(field(object, "level"), "warning");
		cr_expect_str_eq(field(object, "program"), "crowfly-test");
		cr_expect_str_eq(field(object, "module"), "agent");
		sscanf(field(object, "time"), "%4u-%*2u-%*2uT%*2u:%*2u:%*2u.%3uZ%n", &year, &ms,
			&end);
		cr_expect_eq(end, 24, "%s", field(object, "time"));
		json_decref(object);
	}
}

Test(log, long_json_is_still_json)
{
	static const char *const pieces[] = {"\x01", "x", "\xf0\x9f\x98\x80", "\\"};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		char *text = calloc(1, 10001);

		while (strlen(text) + 4 < 10000)
			strcat(text, pieces[i]);
		json_t *object = json_line(text);
		const char *message = field(object, "message");
		cr_expect_str_eq(message + strlen(message) - 3, "...");
		json_decref(object);
		free(text);
	}
}

Test(log, levels_of_modules)
{
	log_init("t", LOG_NOTICE);
	cr_expect_eq(log_set_module_level("pkt*", LOG_DEBUG), 1);
	cr_expect_eq(log_set_module_level("nonsense", LOG_DEBUG), 0);
	cr_expect_eq(log_set_module_level("", LOG_DEBUG), 0);
	cr_expect(log_enabled_in("pktio/eal.c", LOG_DEBUG));
	cr_expect(log_enabled_in("pktio", LOG_DEBUG));
	cr_expect(!log_enabled_in("engine/control.c", LOG_INFO));
	cr_expect(!log_enabled_in("engine/base/pktio.c", LOG_INFO));
	cr_expect(!log_enabled_in("main.c", LOG_INFO));
	cr_expect_eq(log_module_level("pktio"), LOG_DEBUG);
	log_set_level(LOG_WARNING);
	cr_expect_eq(log_module_level("pktio"), LOG_WARNING);
	cr_expect_gt(log_set_module_level("*", LOG_ERR), 5);
	cr_expect_eq(log_module_level("agent"), LOG_ERR);
}

Test(log, text_cannot_forge_a_line)
{
	capture();
	journal();
	log_init("t", LOG_INFO);
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

	capture();
	journal();
	log_init("t", LOG_INFO);
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

Test(log, limiter_with_a_burst)
{
	static struct log_limit limit = {.burst = 3};

	capture();
	journal();
	log_init("t", LOG_INFO);
	for (int i = 0; i < 5; i++)
		log_limited(&limit, LOG_WARNING, "call %d", i);
	limit.next_us = 1;
	for (int i = 5; i < 10; i++)
		log_limited(&limit, LOG_WARNING, "call %d", i);
	cr_expect_str_eq(captured(), "<4>t warning: call 0\n<4>t warning: call 1\n"
				     "<4>t warning: call 2\n"
				     "<4>t warning: call 5 (2 more in 10 s)\n"
				     "<4>t warning: call 6\n<4>t warning: call 7\n");
}

// A million events that a stranger causes are some lines
Test(log, flood)
{
	capture();
	log_init("t", LOG_INFO);
	for (int i = 0; i < 1000000; i++) {
		log_rare(LOG_WARNING, "refused %d", i);
		log_event(LOG_INFO, "call %d", i);
	}
	const char *text = captured();
	// The clock may pass a border of 10 s
	cr_expect_geq(count_lines(text), 1 + LOG_EVENTS);
	cr_expect_leq(count_lines(text), 2 * (1 + LOG_EVENTS));
}
