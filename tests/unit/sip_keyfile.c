// SPDX-License-Identifier: BSD-3-Clause
// Files of secret keys: made once, read by their owner alone, whole.
#include "control/sip/keyfile.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[96];
static unsigned made;

static ssize_t make(void *out, size_t size)
{
	made++;
	return snprintf(out, size, "key %d", (int)getpid());
}

static ssize_t make_none(void *out, size_t size)
{
	memset(out, 'x', size);
	return -EIO;
}

static void setup(void)
{
	strcpy(folder, "/tmp/crowfly-keyfile-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
}

// How many files are left; they are removed.
static size_t clean(void)
{
	char pattern[128];
	glob_t files = {0};
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/*", folder);
	glob(pattern, 0, NULL, &files);
	n = files.gl_pathc;
	for (size_t i = 0; i < n; i++)
		unlink(files.gl_pathv[i]);
	globfree(&files);
	return n;
}

static void teardown(void)
{
	clean();
	rmdir(folder);
}

TestSuite(sip_keyfile, .init = setup, .fini = teardown);

static void put(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

Test(sip_keyfile, is_made_once)
{
	char first[32] = "", second[32] = "";
	struct stat st;
	ssize_t length;

	umask(0);
	cr_assert_eq(keyfile_get(path, first, sizeof(first), NULL), -ENOENT);
	length = keyfile_get(path, first, sizeof(first), make);
	cr_assert_eq(length, (ssize_t)strlen(first));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(keyfile_get(path, second, sizeof(second), make), length);
	cr_assert_str_eq(first, second);
	cr_assert_eq(made, 1);
	cr_assert_eq(clean(), 1, "the temporary file is left");
}

// In a container every process has the same number.
Test(sip_keyfile, is_made_where_another_ended_half_way)
{
	char key[32] = "", left[128];

	snprintf(left, sizeof(left), "%s.%d.new", path, (int)getpid());
	close(open(left, O_WRONLY | O_CREAT, 0600));
	cr_assert_gt(keyfile_get(path, key, sizeof(key), make), 0);
	cr_assert_eq(clean(), 1, "the temporary file is left");
}

Test(sip_keyfile, of_many_that_make_it_one_wins)
{
	char key[32] = "";
	int status;

	for (int i = 0; i < 16; i++) {
		if (fork() == 0) {
			char mine[32] = "", again[32] = "";
			ssize_t n = keyfile_get(path, mine, sizeof(mine), make);

			usleep(100000);
			_exit(n > 0 && keyfile_get(path, again, sizeof(again), NULL) == n &&
						strcmp(mine, again) == 0
					? 0
					: 1);
		}
	}
	while (wait(&status) > 0)
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert_gt(keyfile_get(path, key, sizeof(key), NULL), 0);
	cr_assert_eq(clean(), 1);
}

Test(sip_keyfile, refuses)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0601, 0666};
	char key[4];

	put("1234", 0400);
	cr_assert_eq(keyfile_get(path, key, 4, make), 4);
	cr_assert_arr_eq(key, "1234", 4);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		put("1234", modes[i]);
		cr_expect_eq(keyfile_get(path, key, 4, make), -EACCES, "%o", modes[i]);
	}
	put("12345", 0600);
	cr_expect_eq(keyfile_get(path, key, 4, make), -EINVAL);
	cr_expect_arr_eq(key, "\0\0\0\0", 4, "what was read is not wiped");
	put("", 0600);
	cr_expect_eq(keyfile_get(path, key, 4, make), -EINVAL);
	cr_expect_eq(keyfile_get(folder, key, 4, make), -EISDIR);
	cr_expect_eq(keyfile_get("/nonexistent/key", key, 4, make), -ENOENT);
	cr_expect_eq(clean(), 1);
	cr_expect_eq(keyfile_get(path, key, 4, make_none), -EIO);
	cr_expect_arr_eq(key, "\0\0\0\0", 4);
	cr_expect_eq(clean(), 0);
}
