// SPDX-License-Identifier: BSD-3-Clause
// Settings are written to a file that only its owner reads, wholly or not at all.
#include "engine/client/save.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/version.h"

static char folder[64], path[128];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/crowfly-save-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/settings", folder);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(save, .init = setup, .fini = teardown);

// Saves one command; the exit status. What was printed is in `out`.
static enum client_status save_one(const char *where, const char *command, char out[512])
{
	json_t *settings = json_pack("{s:[s]}", "commands", command);
	FILE *file = fmemopen(out, 512, "w");
	struct client client = {.out = file, .err = file, .fd = -1, .where = ""};

	save_settings(&client, where, settings);
	fclose(file);
	json_decref(settings);
	return client.status;
}

static void file_is(const char *expected)
{
	char text[1024] = "";
	FILE *file = fopen(path, "r");

	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	cr_expect_str_eq(text, expected);
}

static size_t files(void)
{
	char pattern[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*", folder);
	size_t n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

#define HEAD "# settings of crowfly-engine " VERSION "; load them with: crowfly load FILE\n"

Test(save, replaces_a_file_and_hides_it_from_others)
{
	char out[512] = "";
	struct stat st;
	FILE *old = fopen(path, "w");

	fputs("old", old);
	fclose(old);
	chmod(path, 0644);
	cr_expect_eq(save_one(path, "set log engine debug", out), CLIENT_OK, "%s", out);
	cr_expect_str_eq(out, "1 settings saved\n");
	file_is(HEAD "set log engine debug\n");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(files(), 1);
}

Test(save, fails_and_leaves_nothing)
{
	char out[512] = "", below[160];

	snprintf(below, sizeof(below), "%s/none/settings", folder);
	cr_expect_eq(save_one(below, "x", out), CLIENT_FAILED);
	cr_expect(strstr(out, "/none/settings: No such file or directory"), "%s", out);
	// A folder is in the place
	mkdir(path, 0700);
	cr_expect_eq(save_one(path, "x", out), CLIENT_FAILED);
	cr_expect(strstr(out, "Is a directory"), "%s", out);
	cr_expect_eq(files(), 1);
	rmdir(path);
	char *long_path = calloc(1, 5000);
	memset(long_path, 'x', 4990);
	cr_expect_eq(save_one(long_path, "x", out), CLIENT_FAILED);
	cr_expect(strstr(out, "File name too long"), "%s", out);
	free(long_path);
}

Test(save, spares_what_is_no_plain_file)
{
	char out[512] = "";
	struct stat st;

	// As root, /dev/full or /dev/stdout would be replaced
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(save_one(path, "x", out), CLIENT_FAILED);
	cr_expect(strstr(out, "/settings: not a regular file"), "%s", out);
	cr_assert_eq(lstat(path, &st), 0);
	cr_expect(S_ISFIFO(st.st_mode));
	unlink(path);
	cr_assert_eq(symlink("elsewhere", path), 0);
	cr_expect_eq(save_one(path, "x", out), CLIENT_FAILED);
	cr_assert_eq(lstat(path, &st), 0);
	cr_expect(S_ISLNK(st.st_mode));
	cr_expect_eq(files(), 1);
}
