// SPDX-License-Identifier: BSD-3-Clause
// The commands on the store: what they do, print and return.
#include <criterion/criterion.h>

#include "control/access/cli.h"
#include "control/access/password.h"
#include "control/access/store.h"
#include "control/sip/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config config;
static char folder[64], output[4096], errors[4096];

static void setup(void)
{
	strcpy(folder, "/tmp/crowfly-cli-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	config_defaults(&config);
	snprintf(config.database, sizeof(config.database), "%s/access.db", folder);
	strcpy(config.domain, "example.org");
	msg_init();
}

static void teardown(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(cli, .init = setup, .fini = teardown);

static const char *file_with(const char *text, mode_t mode)
{
	static char path[128];
	static int n;
	snprintf(path, sizeof(path), "%s/file%d", folder, n++);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

// Sends a stream to a file while a command runs.
static int divert(FILE *stream, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fflush(stream);
	int saved = dup(fileno(stream)), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, fileno(stream));
	close(fd);
	return saved;
}

static void restore(FILE *stream, int saved, char out[4096])
{
	fflush(stream);
	lseek(fileno(stream), 0, SEEK_SET);
	ssize_t n = read(fileno(stream), out, 4095);
	out[n > 0 ? n : 0] = '\0';
	dup2(saved, fileno(stream));
	close(saved);
}

// Runs "user add x", with the options given before.
static struct cli cli;
static int run(const char *words)
{
	static char copy[512];
	snprintf(copy, sizeof(copy), "%s", words);
	cli.n_words = 0;
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		cli.words[cli.n_words++] = word;
	int saved_out = divert(stdout, "out"), saved_err = divert(stderr, "err");
	int status = cli_run(&cli, &config);
	restore(stdout, saved_out, output);
	restore(stderr, saved_err, errors);
	cli = (struct cli){.n_words = 0};
	return status;
}

static void add(const char *user)
{
	char words[128];
	snprintf(words, sizeof(words), "user add %s@example.org", user);
	cli.password_file = file_with("secret\n", 0600);
	cr_assert_eq(run(words), 0, "%s", errors);
}

Test(cli, users)
{
	add("bob");
	add("alice");
	cr_assert_eq(run("user list"), 0);
	cr_assert_str_eq(output, "sip:alice@example.org\nsip:bob@example.org\n");
	cr_assert_eq(run("user del sip:bob@example.org"), 0);
	cr_assert_eq(run("user list"), 0);
	cr_assert_str_eq(output, "sip:alice@example.org\n");
	cr_assert_eq(run("user del sip:bob@example.org"), 1);
	cr_assert_str_eq(errors, "crowfly-access: sip:bob@example.org: no such user\n");
	cli.password_file = file_with("x", 0600);
	cr_assert_eq(run("user add alice@example.org"), 1);
	cr_assert_str_eq(errors, "crowfly-access: sip:alice@example.org: exists already\n");
	cli.password_file = file_with("x", 0600);
	cr_assert_eq(run("user add alice@example.com"), 1);
	cr_assert_not_null(strstr(errors, "not of this server's domain example.org"));
}

Test(cli, the_password_is_the_one_of_the_file)
{
	char error[ERROR_MAX], ha1[DIGEST_HEX], expected[DIGEST_HEX];
	cli.password_file = file_with("with space and \xc3\xa4\r\nsecond line\n", 0600);
	cr_assert_eq(run("user add alice@example.org"), 0);
	struct store *store = store_new(config.database, NULL, STORE_TOOL, error);
	store_user_ha1(store, "sip:alice@example.org", DIGEST_SHA256, ha1);
	digest_ha1(DIGEST_SHA256, "alice", "example.org", "with space and \xc3\xa4", expected);
	cr_assert_str_eq(ha1, expected);
	store_free(store);
}

Test(cli, the_hash_for_phones_only_where_asked_for)
{
	char error[ERROR_MAX], ha1[DIGEST_HEX], expected[DIGEST_HEX];
	add("alice");
	cli.md5 = true;
	add("phone");
	struct store *store = store_new(config.database, NULL, STORE_TOOL, error);
	digest_ha1(DIGEST_MD5, "phone", "example.org", "secret", expected);
	cr_assert_eq(store_user_ha1(store, "sip:phone@example.org", DIGEST_MD5, ha1), 0);
	cr_assert_str_eq(ha1, expected);
	cr_assert_eq(store_user_ha1(store, "sip:phone@example.org", DIGEST_SHA256, ha1), 0);
	cr_assert_eq(store_user_ha1(store, "sip:alice@example.org", DIGEST_MD5, ha1), -ENOENT);
	store_free(store);
	cli.md5 = true;
	cr_assert_eq(run("user list"), 2);
	cr_assert_not_null(strstr(errors, "--md5 is for user add"));
}

Test(cli, password_files)
{
	cli.password_file = file_with("secret\n", 0644);
	cr_assert_eq(run("user add alice@example.org"), 1);
	cr_assert_not_null(strstr(errors, "others may read it"), "%s", errors);
	cli.password_file = file_with("\n", 0600);
	cr_assert_eq(run("user add alice@example.org"), 1);
	cr_assert_not_null(strstr(errors, "empty"));
	cli.password_file = "/nonexistent";
	cr_assert_eq(run("user add alice@example.org"), 1);
	cr_assert_eq(run("user list"), 0);
	cr_assert_str_eq(output, "");
}

Test(cli, standard_input)
{
	int fd = open(file_with("from stdin\n", 0600), O_RDONLY);
	dup2(fd, STDIN_FILENO);
	cr_assert_eq(run("user add alice@example.org"), 0, "%s", errors);
	cr_assert_eq(run("user add bob@example.org"), 1, "nothing is left there");
}

Test(cli, permissions)
{
	add("alice");
	add("bob");
	add("carol");
	cr_assert_eq(run("permit alice@example.org sip:bob@example.org"), 0);
	cr_assert_eq(run("permit carol@example.org alice@example.org"), 0);
	cr_assert_eq(run("permitted alice@example.org"), 0);
	cr_assert_str_eq(output, "sip:bob@example.org\nsip:carol@example.org\n");
	cr_assert_eq(run("forbid bob@example.org alice@example.org"), 0);
	cr_assert_eq(run("permitted alice@example.org"), 0);
	cr_assert_str_eq(output, "sip:carol@example.org\n");
	cr_assert_eq(run("permit alice@example.org dave@example.org"), 1);
	cr_assert_not_null(strstr(errors, "no such user"));
	cr_assert_eq(run("permit alice@example.org alice@example.org"), 1);
	cr_assert_not_null(strstr(errors, "himself"));
}

Test(cli, batches)
{
	cli.list = file_with("# users\n\nsip:alice@example.org one two\nbob@example.org\tthree\r\n"
			     "  carol@example.org   four",
		0600);
	cr_assert_eq(run("user add"), 0, "%s", errors);
	cr_assert_str_eq(output, "3 lines done\n");
	cli.list = file_with(
		"alice@example.org bob@example.org\nbob@example.org carol@example.org\n", 0644);
	cr_assert_eq(run("permit"), 0, "%s", errors);
	cr_assert_eq(run("permitted bob@example.org"), 0);
	cr_assert_str_eq(output, "sip:alice@example.org\nsip:carol@example.org\n");
	cli.list = file_with("alice@example.org bob@example.org\n", 0644);
	cr_assert_eq(run("forbid"), 0);
	cr_assert_eq(run("permitted bob@example.org"), 0);
	cr_assert_str_eq(output, "sip:carol@example.org\n");
}

Test(cli, a_batch_is_all_or_nothing)
{
	static const char *const bad[] = {"alice@example.org\n", "alice@example.com x\n",
		"x@example.org y\nx@example.org z\n", "alice@example.org  \n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text), "good@example.org password\n%s", bad[i]);
		cli.list = file_with(text, 0600);
		cr_assert_eq(run("user add"), 1);
		cr_assert_not_null(strstr(errors, ":2: ") ?: strstr(errors, ":3: "), "%s", errors);
		cr_assert_null(strstr(errors, "password\n"));
		cr_assert_eq(run("user list"), 0);
		cr_assert_str_eq(output, "");
	}
	cli.list = file_with("good@example.org password\n", 0644);
	cr_assert_eq(run("user add"), 1, "others could read it");
	char *large = malloc(100001);
	memset(large, 'a', 100000);
	large[100000] = '\0';
	cli.list = file_with(large, 0600);
	cr_assert_eq(run("user add"), 1);
	cr_assert_not_null(strstr(errors, "line too long"));
	free(large);
}

Test(cli, ten_thousand_users)
{
	size_t size = 0;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);
	for (int i = 0; i < 10000; i++)
		fprintf(stream, "user%d@example.org password%d\n", i, i);
	fclose(stream);
	cli.list = file_with(text, 0600);
	cr_assert_eq(run("user add"), 0, "%s", errors);
	cr_assert_str_eq(output, "10000 lines done\n");
	free(text);
}

Test(cli, status)
{
	char error[ERROR_MAX];
	add("alice");
	cr_assert_eq(run("status"), 0);
	cr_assert_str_eq(output, "0 registered\n");
	struct store *store = store_new(config.database, NULL, STORE_SERVER, error);
	struct binding_table *table = binding_table_new();
	struct binding_login login = {.aor = "sip:alice@example.org",
		.contact = "sip:alice@10.0.0.2:5061;transport=tls",
		.fingerprint = "f",
		.source = "10.0.0.2:40000",
		.call_id = "c",
		.expires_s = 600,
		.since = 1};
	binding_put(table, &login, false);
	cr_assert_eq(store_save(store, table, 10), 0);
	cr_assert_eq(run("status"), 0);
	cr_assert_not_null(strstr(output, "sip:alice@10.0.0.2:5061;transport=tls"));
	cr_assert_not_null(strstr(output, "10.0.0.2:40000"));
	cr_assert_not_null(strstr(output, "1970-01-01T00:00:01Z"));
	cr_assert_not_null(strstr(output, "\n1 registered\n"));
	binding_table_free(table);
	store_free(store);
}

Test(cli, usage)
{
	static const char *const wrong[] = {"nonsense", "user", "user rename a b", "user add",
		"user add a b", "user del", "user list x", "permit a", "permit a b c", "status x"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(run(wrong[i]), 2, "%s", wrong[i]);
	cli.list = "x";
	cr_assert_eq(run("status"), 2);
	cli.list = "x";
	cr_assert_eq(run("permit a b"), 2);
	cli.list = "x";
	cli.password_file = "y";
	cr_assert_eq(run("user add"), 2);
	cli.password_file = "y";
	cr_assert_eq(run("user del x"), 2);
	cr_assert_neq(access(config.database, F_OK), 0, "and no database is made by mistake");
}

Test(cli, no_database)
{
	config.domain[0] = '\0';
	cr_assert_eq(run("user list"), 1);
	cr_assert_not_null(strstr(errors, "no such database (give --domain to make it)"));
	strcpy(config.domain, "example.org");
	add("alice");
	config.domain[0] = '\0';
	cr_assert_eq(run("user list"), 0, "its domain is known from now on");
	cr_assert_str_eq(output, "sip:alice@example.org\n");
}
