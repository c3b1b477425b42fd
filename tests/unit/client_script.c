// SPDX-License-Identifier: BSD-3-Clause
// Lines of commands and files of them: words, comments, errors with their place, exit statuses.
#include "engine/client/script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/client/words.h"

Test(words, lines_are_cut_as_shells_do)
{
	static const struct {
		const char *line;
		int n;
		const char *words[4];
	} cases[] = {
		{"", 0, {NULL}},
		{"  \t \n", 0, {NULL}},
		{"# show stats", 0, {NULL}},
		{"show stats", 2, {"show", "stats"}},
		{" show\t stats  # all of them\n", 2, {"show", "stats"}},
		{"load a#b", 2, {"load", "a#b"}},
		{"load \"a b\" 'c \"d'", 3, {"load", "a b", "c \"d"}},
		{"load a\\ b\"c\\\"d\"'e\\f'", 2, {"load", "a bc\"de\\f"}},
		{"load '' x", 3, {"load", "", "x"}},
		{"load \"a", -2, {NULL}},
		{"load 'a\\'", 2, {"load", "a\\"}},
		{"1 2 3 4 5", -1, {NULL}},
		{"1 2 3 4 # 5", 4, {"1", "2", "3", "4"}},
		{"end\\", 1, {"end\\"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[64], *words[4];

		snprintf(line, sizeof(line), "%s", cases[i].line);
		cr_assert_eq(words_split(line, words, 4), cases[i].n, "%s", cases[i].line);
		for (int w = 0; w < cases[i].n; w++)
			cr_expect_str_eq(words[w], cases[i].words[w], "%s", cases[i].line);
	}
}

// ---- files

static char folder[] = "/tmp/crowfly-script-XXXXXX";

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static void teardown(void)
{
	static const char *const names[] = {"main", "one", "two", "three"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	cr_expect_eq(chdir("/"), 0);
	rmdir(folder);
}

TestSuite(script, .init = setup, .fini = teardown);

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	fputs(text, file);
	fclose(file);
}

// Both streams in one, so that their order shows.
static int run(const char *options, char output[4096])
{
	char line[128], *argv[16] = {"crowfly"}, *save = NULL, *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int argc = 1;

	snprintf(line, sizeof(line), "%s", options);
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	int status = client_run(argc, argv, file, file);
	fclose(file);
	snprintf(output, 4096, "%s", text);
	free(text);
	return status;
}

#define QUIT	  "  quit                            end the prompt; with -i the engine, too\n"
#define HELP_QUIT "control: start and stop, files of commands, the client itself\n" QUIT
#define REFUSED	  "cannot connect to the engine at /nonexistent: No such file or directory\n"

Test(script, where_it_stops_and_what_it_says)
{
	static const struct {
		const char *options, *text;
		int status;
		const char *output;
	} cases[] = {
		{"-f main", "", 0, ""},
		{"-f main", "# nothing\n\n  help quit # this\nhelp quit", 0, HELP_QUIT HELP_QUIT},
		{"-f main", "help quit\nhelp x\nhelp quit\n", 2,
			HELP_QUIT
			"main:2: help: 'x' is no section, and no command begins so (help lists "
			"all)\n"},
		{"-k -f main", "load no\nhelp quit\n'\nquit\nhelp\n", 1,
			"main:1: no: No such file or directory\n" HELP_QUIT
			"main:3: a quote is not closed\n"},
		{"-s /nonexistent -f main", "show stats\nhelp", 3, "main:1: " REFUSED},
		{"-s /nonexistent -k -f main", "show stats\nshow\nsession add -\n", 3,
			"main:1: " REFUSED "main:2: show: not complete"},
		{"-f main", "quit\nhelp", 0, ""},
		{"-f main", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3\n",
			2, "main:1: more than 32 words\n"},
		{"-f .", "", 1, "crowfly: .: Is a directory\n"},
		{"-f missing", "", 1, "crowfly: missing: No such file or directory\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char output[4096];

		write_file("main", cases[i].text);
		cr_expect_eq(run(cases[i].options, output), cases[i].status, "%s", cases[i].text);
		cr_expect(strncmp(output, cases[i].output, strlen(cases[i].output)) == 0, "%s:\n%s",
			cases[i].text, output);
	}
}

Test(script, files_that_load_files)
{
	char output[4096];

	write_file("main", "load one\nhelp quit\n");
	write_file("one", "help quit\n\nload two\n");
	write_file("two", "help quit\n");
	cr_expect_eq(run("-f main", output), 0);
	cr_expect_str_eq(output, HELP_QUIT HELP_QUIT HELP_QUIT);

	write_file("two", "help x\n");
	cr_expect_eq(run("-f main", output), 2);
	cr_expect(strstr(output, "\ntwo:1: help: 'x'"), "%s", output);
	cr_expect_eq(run("-k -f main", output), 2);
	cr_expect(
		strstr(output, HELP_QUIT "two:1: help: 'x'") && strstr(output, "all)\n" HELP_QUIT),
		"%s", output);

	write_file("two", "load ./main\n");
	cr_expect_eq(run("-f main", output), 1);
	cr_expect(strstr(output, "two:1: load: ./main would load itself\n"), "%s", output);

	write_file("two", "quit\n");
	cr_expect_eq(run("-f main", output), 0);
	cr_expect_str_eq(output, HELP_QUIT);
}

Test(script, lines_that_are_no_text)
{
	static const char nul[] = "help quit\0 and more\nhelp quit\n";
	char output[4096];
	FILE *file = fopen("main", "w");

	fwrite(nul, 1, sizeof(nul) - 1, file);
	fclose(file);
	cr_expect_eq(run("-f main", output), 2);
	cr_expect_str_eq(output, "main:1: a NUL character\n");
	cr_expect_eq(run("-k -f main", output), 2);
	cr_expect_str_eq(output, "main:1: a NUL character\n" HELP_QUIT);

	// What follows a line that is too long may be a part of it
	file = fopen("main", "w");
	fprintf(file, "%070000d\nhelp quit\n", 0);
	fclose(file);
	cr_expect_eq(run("-k -f main", output), 2);
	cr_expect_str_eq(output, "main:1: longer than 65534 bytes\n");
	cr_expect_eq(run("-k -f /dev/zero", output), 2); // it has no end
	cr_expect_str_eq(output, "/dev/zero:1: longer than 65534 bytes\n");
}
