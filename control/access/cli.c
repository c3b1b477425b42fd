// SPDX-License-Identifier: BSD-3-Clause
// The commands on the store. A batch is one transaction: all of its lines or none. Runs on the
// tool's only thread.
#include "control/access/cli.h"

#include "control/access/password.h"
#include "control/access/store.h"
#include "control/sip/digest.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (AOR_MAX + PASSWORD_MAX + 64)

// What a command works with.
struct run {
	const struct cli *cli;
	const char *domain;
	struct store *store;
	unsigned n_done;
	char error[ERROR_MAX];
};

struct command {
	const char *first, *second; // second NULL: one word
	int min_words, max_words;   // behind them
	bool list, password;	    // takes -f, --password-file
	int (*handle)(struct run *run, const char *const words[]);
	const char *usage, *help;
};

static int fail(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct run *run, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(run->error, sizeof(run->error), fmt, args);
	va_end(args);
	return -1;
}

// Why a call of the store failed, in words.
static int fail_store(struct run *run, int result, const char *what)
{
	switch (result) {
	case -ENOENT:
		return fail(run, "%s: no such user", what);
	case -EEXIST:
		return fail(run, "%s: exists already", what);
	case -EINVAL:
		return fail(run, "%s: nobody is permitted to himself", what);
	case -EBUSY:
		return fail(run, "%s: the database is busy", what);
	default:
		return fail(run, "%s: the database cannot be read or written", what);
	}
}

static int parse_aor(struct run *run, const char *text, char out[AOR_MAX])
{
	return aor_parse(text, run->domain, out, run->error) == 0 ? 0 : -1;
}

// ---- batches

// Splits "first rest": both without spaces around them; false if there is no rest.
static bool split(char *line, char **first, char **rest)
{
	line += strspn(line, " \t");
	*first = line;
	line += strcspn(line, " \t");
	if (*line == '\0')
		return false;
	*line++ = '\0';
	*rest = line + strspn(line, " \t");
	return **rest != '\0';
}

typedef int (*line_handler)(struct run *run, char *first, char *rest);

static int handle_line(struct run *run, char *line, size_t length, line_handler handle)
{
	char *first, *rest;
	if (length > 0 && line[length - 1] == '\n')
		line[--length] = '\0';
	if (length > 0 && line[length - 1] == '\r')
		line[--length] = '\0';
	if (strlen(line) != length)
		return fail(run, "a NUL byte in the line");
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	if (!split(line, &first, &rest))
		return fail(run, "expected two words");
	int result = handle(run, first, rest);
	run->n_done += result == 0;
	return result;
}

// fgets() of a line that may hold a NUL byte: its length, 0 at the end, -1 if it is too long.
static long read_line(FILE *file, char *line, size_t size)
{
	size_t n = 0;
	int c;
	while ((c = fgetc(file)) != EOF) {
		if (n + 1 >= size)
			return -1;
		line[n++] = (char)c;
		if (c == '\n')
			break;
	}
	line[n] = '\0';
	return (long)n;
}

static int handle_lines(struct run *run, FILE *file, line_handler handle)
{
	char line[LINE_BYTES], why[ERROR_MAX];
	int result = 0;
	long length;
	for (unsigned number = 1; result == 0; number++) {
		length = read_line(file, line, sizeof(line));
		if (length == 0)
			break;
		result = length < 0 ? fail(run, "line too long")
				    : handle_line(run, line, (size_t)length, handle);
		if (result != 0) {
			snprintf(why, sizeof(why), "%s", run->error);
			fail(run, "%.60s:%u: %.180s",
				strcmp(run->cli->list, "-") == 0 ? "standard input"
								 : run->cli->list,
				number, why);
		}
	}
	OPENSSL_cleanse(line, sizeof(line));
	if (result == 0 && ferror(file))
		result = fail(run, "%.100s: cannot be read", run->cli->list);
	return result;
}

// All lines of the list in one transaction.
static int run_list(struct run *run, bool secret, line_handler handle)
{
	FILE *file = password_open_list(run->cli->list, secret, run->error);
	if (file == NULL)
		return -1;
	int result = store_begin(run->store);
	if (result != 0) {
		fail_store(run, result, "cannot begin");
	} else {
		result = handle_lines(run, file, handle);
		if (result != 0)
			store_rollback(run->store);
		else if ((result = store_commit(run->store)) != 0)
			fail_store(run, result, "cannot commit");
	}
	if (file != stdin)
		fclose(file);
	return result == 0 ? 0 : -1;
}

// ---- users

static int add_user(struct run *run, char *text, char *password)
{
	char aor[AOR_MAX], user[AOR_MAX], ha1[DIGEST_HEX], md5[DIGEST_HEX];
	if (parse_aor(run, text, aor) != 0)
		return -1;
	aor_user(aor, user);
	digest_ha1(DIGEST_SHA256, user, run->domain, password, ha1);
	digest_ha1(DIGEST_MD5, user, run->domain, password, md5);
	int result = store_user_add(run->store, aor, ha1, run->cli->md5 ? md5 : NULL);
	OPENSSL_cleanse(ha1, sizeof(ha1));
	OPENSSL_cleanse(md5, sizeof(md5));
	return result == 0 ? 0 : fail_store(run, result, aor);
}

static int user_add(struct run *run, const char *const words[])
{
	char password[PASSWORD_MAX], text[AOR_MAX];
	const char *path = run->cli->password_file != NULL ? run->cli->password_file : "-";
	if (run->cli->list != NULL)
		return run_list(run, true, add_user);
	// The address is checked before a password is asked for
	if (parse_aor(run, words[0], text) != 0 || password_read(path, password, run->error) != 0)
		return -1;
	int result = add_user(run, text, password);
	OPENSSL_cleanse(password, sizeof(password));
	return result;
}

static int user_del(struct run *run, const char *const words[])
{
	char aor[AOR_MAX];
	if (parse_aor(run, words[0], aor) != 0)
		return -1;
	int result = store_user_del(run->store, aor);
	return result == 0 ? 0 : fail_store(run, result, aor);
}

static bool print_aor(void *arg, const char *aor)
{
	puts(aor);
	(void)arg;
	return true;
}

static int user_list(struct run *run, const char *const words[])
{
	int result = store_users(run->store, print_aor, NULL);
	(void)words;
	return result == 0 ? 0 : fail_store(run, result, "users");
}

// ---- permissions

static int change_pair(struct run *run, const char *a_text, const char *b_text,
	int (*change)(struct store *store, const char *a, const char *b))
{
	char a[AOR_MAX], b[AOR_MAX], what[ERROR_MAX];
	if (parse_aor(run, a_text, a) != 0 || parse_aor(run, b_text, b) != 0)
		return -1;
	int result = change(run->store, a, b);
	snprintf(what, sizeof(what), "%.100s and %.100s", a, b);
	return result == 0 ? 0 : fail_store(run, result, what);
}

static int permit_line(struct run *run, char *a, char *b)
{
	return change_pair(run, a, b, store_permit);
}

static int forbid_line(struct run *run, char *a, char *b)
{
	return change_pair(run, a, b, store_forbid);
}

static int permit(struct run *run, const char *const words[])
{
	return run->cli->list != NULL ? run_list(run, false, permit_line)
				      : change_pair(run, words[0], words[1], store_permit);
}

static int forbid(struct run *run, const char *const words[])
{
	return run->cli->list != NULL ? run_list(run, false, forbid_line)
				      : change_pair(run, words[0], words[1], store_forbid);
}

static int permitted(struct run *run, const char *const words[])
{
	char aor[AOR_MAX];
	if (parse_aor(run, words[0], aor) != 0)
		return -1;
	int result = store_permitted(run->store, aor, print_aor, NULL);
	return result == 0 ? 0 : fail_store(run, result, aor);
}

// ---- status

static void utc(time_t time, char out[32])
{
	struct tm tm;
	gmtime_r(&time, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static bool print_binding(void *arg, const struct store_binding *b)
{
	unsigned *n = arg;
	char since[32], until[32];
	utc(b->since, since);
	utc(b->expires, until);
	if ((*n)++ == 0)
		printf("%-32s  %-48s  %-21s  %-20s  %s\n", "ADDRESS", "CONTACT", "FROM", "SINCE",
			"UNTIL");
	printf("%-32s  %-48s  %-21s  %-20s  %s\n", b->aor, b->contact, b->source, since, until);
	return true;
}

static int status(struct run *run, const char *const words[])
{
	unsigned n = 0;
	int result = store_bindings(run->store, print_binding, &n);
	(void)words;
	if (result != 0)
		return fail_store(run, result, "bindings");
	printf("%u registered\n", n);
	return 0;
}

// ---- which command

static const struct command commands[] = {
	{"user", "add", 1, 1, true, true, user_add, "user add AOR [--password-file FILE|-]",
		"add a user; the password is the file's or standard input's first line"},
	{"user", "del", 1, 1, false, false, user_del, "user del AOR",
		"delete a user and all permissions"},
	{"user", "list", 0, 0, false, false, user_list, "user list", "list all users"},
	{"permit", NULL, 2, 2, true, false, permit, "permit A B", "A and B may talk to each other"},
	{"forbid", NULL, 2, 2, true, false, forbid, "forbid A B", "they may not any more"},
	{"permitted", NULL, 1, 1, false, false, permitted, "permitted A",
		"list those whom A may talk to"},
	{"status", NULL, 0, 0, false, false, status, "status",
		"list who is registered, from where, until when"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void cli_usage(FILE *out)
{
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-38s  %s\n", commands[i].usage, commands[i].help);
	fprintf(out, "  %-38s  %s\n", "user add|permit|forbid -f FILE|-",
		"lines `AOR PASSWORD` or `A B`, all of them or none");
	fprintf(out, "  %-38s  %s\n", "user add --md5",
		"for phones that know MD5 only (listen-md5); weaker, so only where needed");
}

static const struct command *find_command(const struct cli *cli)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		if (strcmp(c->first, cli->words[0]) != 0)
			continue;
		if (c->second == NULL ||
			(cli->n_words > 1 && strcmp(c->second, cli->words[1]) == 0))
			return c;
	}
	return NULL;
}

// NULL, or what is wrong with the words and options.
static const char *check_usage(const struct cli *cli, const struct command *c)
{
	int n = cli->n_words - (c->second != NULL ? 2 : 1);
	if (cli->list != NULL && !c->list)
		return "-f is for user add, permit and forbid";
	if (cli->password_file != NULL && (!c->password || cli->list != NULL))
		return "--password-file is for user add of one user";
	if (cli->md5 && !c->password)
		return "--md5 is for user add";
	if (cli->list != NULL)
		return n == 0 ? NULL : "addresses and -f exclude each other";
	return n >= c->min_words && n <= c->max_words ? NULL : "wrong number of words";
}

int cli_run(const struct cli *cli, const struct config *config)
{
	struct run run = {.cli = cli};
	const struct command *c = find_command(cli);
	const char *wrong = c != NULL ? check_usage(cli, c) : "unknown command";
	if (wrong != NULL) {
		fprintf(stderr, "crowfly-access: %s: %s (usage: crowfly-access %s)\n",
			cli->words[0], wrong, c != NULL ? c->usage : "--help");
		return 2;
	}
	run.store = store_new(config->database, config->domain[0] != '\0' ? config->domain : NULL,
		STORE_TOOL, run.error);
	int result = -1;
	if (run.store != NULL) {
		run.domain = store_domain(run.store);
		result = c->handle(&run, cli->words + (c->second != NULL ? 2 : 1));
	}
	if (result == 0 && cli->list != NULL)
		printf("%u lines done\n", run.n_done);
	if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		result = fail(&run, "cannot write to standard output");
	if (result != 0)
		fprintf(stderr, "crowfly-access: %s\n", run.error);
	store_free(run.store);
	return result == 0 ? 0 : 1;
}
