// SPDX-License-Identifier: BSD-3-Clause
// Configuration files, command lines, values and secrets: tables of good and bad input.
#include "engine/base/conf.h"
#include "engine/base/log.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/conf_file.c"

struct named {
	char title[128];
	char password_file[128];
};

struct program {
	char wire[64];
	unsigned workers;
	bool idle;
	unsigned n_endpoints;
	struct named endpoints[4];
};

static int set_wire(void *object, const char *value, char *error)
{
	struct program *program = object;

	if (!*value) {
		snprintf(error, CONF_ERROR_MAX, "expected a device name");
		return -1;
	}
	snprintf(program->wire, sizeof(program->wire), "%s", value);
	return 0;
}

static int set_workers(void *object, const char *value, char *error)
{
	return conf_uint(value, 1, 64, &((struct program *)object)->workers, error);
}

static int set_idle(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct program *)object)->idle, error);
}

static int set_password_file(void *object, const char *value, char *error)
{
	struct named *named = object;

	(void)error;
	snprintf(named->password_file, sizeof(named->password_file), "%s", value);
	return 0;
}

static void *open_endpoint(void *object, const char *title, char *error)
{
	struct program *program = object;

	if (!*title || program->n_endpoints == 4) {
		snprintf(error, CONF_ERROR_MAX, "expected an address of record");
		return NULL;
	}
	struct named *named = &program->endpoints[program->n_endpoints++];
	snprintf(named->title, sizeof(named->title), "%s", title);
	return named;
}

static const struct conf_key main_keys[] = {{"wire", "DEVICE", "the port towards peers", set_wire},
	{"workers", "N", "how many workers", set_workers},
	{"idle-sleep", NULL, "sleep when idle", set_idle}, {0}};
static const struct conf_key endpoint_keys[] = {
	{"password-file", "FILE", "where the password is", set_password_file}, {0}};
static const struct conf_section sections[] = {
	{"engine", main_keys, NULL}, {"endpoint", endpoint_keys, open_endpoint}, {0}};

static char path[64];

static void write_file(const char *text, size_t length)
{
	strcpy(path, "/tmp/crowfly-conf-XXXXXX");
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, length), (ssize_t)length);
	close(fd);
}

static int read_text(const char *text, struct program *program, char *error)
{
	memset(program, 0, sizeof(*program));
	write_file(text, strlen(text));
	int rc = conf_read(path, sections, program, error);
	unlink(path);
	return rc;
}

Test(conf, file)
{
	struct program program;
	char error[CONF_ERROR_MAX];

	cr_assert_eq(
		read_text(
			"\xef\xbb\xbf; comment\n# another\n[engine]\nwire = net_tap0,iface=x ; tap\n"
			"  workers: 3\nidle-sleep = yes\r\n\n"
			"[endpoint sip:a-very-long-user-name-indeed-longer-than-fifty-bytes"
			"@example.org]\npassword-file=/a\n"
			"[ endpoint  sip:bob@example.org ] ; second\npassword-file = /b b\n",
			&program, error),
		0, "%s", error);
	cr_expect_str_eq(error, "");
	cr_expect_str_eq(program.wire, "net_tap0,iface=x");
	cr_expect_eq(program.workers, 3);
	cr_expect_eq(program.idle, 1);
	cr_expect_eq(program.n_endpoints, 2);
	cr_expect_str_eq(program.endpoints[0].title,
		"sip:a-very-long-user-name-indeed-longer-than-fifty-bytes@example.org");
	cr_expect_str_eq(program.endpoints[0].password_file, "/a");
	cr_expect_str_eq(program.endpoints[1].title, "sip:bob@example.org");
	cr_expect_str_eq(program.endpoints[1].password_file, "/b b");
}

Test(conf, bad_files)
{
	static const struct {
		const char *text, *where, *what, *also;
	} cases[] = {
		{"wire = x\n", ":1: ", "'wire'", "[engine]"},
		{"[engine]\n\nwires = x\n", ":3: ", "unknown key 'wires'",
			"wire, workers, idle-sleep"},
		{"[engine]\nwire = a\n\nwire = b\n", ":4: ", "'wire' stands twice", "[engine]"},
		{"[engine]\nwire = a\n[endpoint b]\n[engine]\nwire = b\n", ":5: ", "twice", "wire"},
		{"[engine]\nworkers = 65\n", ":2: ", "workers: expected a number from 1 to 64",
			"'65'"},
		{"[engine]\nworkers =\n", ":2: ", "workers: expected a number", "''"},
		{"[engine]\nidle-sleep = maybe\n", ":2: ", "expected yes or no", "idle-sleep"},
		{"[engine]\nwire =\n", ":2: ", "wire: expected a device name", ""},
		{"[engine]\nwire\n", ":2: ", "key = value", ""},
		{"[engine]\n\n[motor]\n", ":3: ", "unknown section [motor]", "engine, endpoint"},
		{"[engin]\n", ":1: ", "unknown section [engin]", ""},
		{"[]\n", ":1: ", "unknown section []", ""},
		{"[engine\nwire = a\n", ":1: ", "without ']'", ""},
		{"[engine] wire = a\n", ":1: ", "behind the section header", ""},
		{"[engine two]\n", ":1: ", "[engine] takes no name", ""},
		{"[engine]\n[endpoint]\n", ":2: ", "[endpoint]: expected an address", ""},
		{"[endpoint a]\nwire = x\n", ":2: ", "unknown key 'wire' in [endpoint]",
			"password-file"},
		{"[endpoint a]\npassword-file = x\npassword-file = y\n", ":3: ", "twice", ""},
	};
	struct program program;
	char error[CONF_ERROR_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(read_text(cases[i].text, &program, error), -1, "%s", cases[i].text);
		cr_expect(strncmp(error, path, strlen(path)) == 0, "%s", error);
		cr_expect(
			strncmp(error + strlen(path), cases[i].where, strlen(cases[i].where)) == 0,
			"%s: %s", cases[i].text, error);
		cr_expect(strstr(error, cases[i].what) && strstr(error, cases[i].also), "%s: %s",
			cases[i].text, error);
		cr_expect(!strchr(error, '\n'));
	}
}

Test(conf, hostile_files)
{
	struct program program = {0};
	char error[CONF_ERROR_MAX];
	char *big = malloc(1 << 20);

	memset(big, 'x', 1 << 20);
	memcpy(big, "[engine]\nwire=", 14);
	write_file(big, 1 << 20);
	cr_expect_eq(conf_read(path, sections, &program, error), -1);
	cr_expect(strstr(error, ":2: line longer than 4095 bytes"), "%s", error);
	unlink(path);
	write_file("[engine]\nwire=a\0b\n", 18);
	cr_expect_eq(conf_read(path, sections, &program, error), -1);
	cr_expect(strstr(error, ":2: a NUL byte"), "%s", error);
	unlink(path);
	cr_expect_eq(conf_read("/nonexistent/x.ini", sections, &program, error), -ENOENT);
	cr_expect_str_eq(error, "/nonexistent/x.ini: No such file or directory");
	cr_expect_eq(conf_read("/tmp", sections, &program, error), -EISDIR);
	free(big);
}

Test(conf, corpus)
{
	DIR *dir = opendir("tests/fuzz/corpus/conf_file");
	struct dirent *entry;
	unsigned n = 0;

	cr_assert_not_null(dir, "run from the top of the tree");
	while ((entry = readdir(dir))) {
		char name[512];
		uint8_t data[65536];

		snprintf(name, sizeof(name), "tests/fuzz/corpus/conf_file/%s", entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(name, "r");
		if (!file)
			continue;
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
		n++;
	}
	closedir(dir);
	cr_expect_geq(n, 10);
}

#define ARGS(...)                                                                                  \
	(char *[])                                                                                 \
	{                                                                                          \
		"prog", __VA_ARGS__, NULL                                                          \
	}

static int count(char **argv)
{
	int n = 0;

	while (argv[n])
		n++;
	return n;
}

Test(conf, arguments)
{
	struct program program = {0};
	char error[CONF_ERROR_MAX];

	char **argv = ARGS("--wire", "net_tap0", "--workers=2", "--idle-sleep", "run", "--wire");
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), 5, "%s", error);
	cr_expect_str_eq(program.wire, "net_tap0");
	cr_expect_eq(program.workers, 2);
	cr_expect_eq(program.idle, 1);

	argv = ARGS("--workers", "1", "--workers", "4", "--", "--x");
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), 6);
	cr_expect_eq(program.workers, 4, "the last one counts");

	argv = ARGS("-");
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), 1);
	argv = (char *[]){"prog", NULL};
	cr_expect_eq(conf_args(1, argv, sections, &program, error), 1);
	argv = ARGS("--workers", "3", "--help");
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), CONF_HELP);
	argv = ARGS("--version");
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), CONF_VERSION);
	cr_expect_eq(program.workers, 4, "nothing is set then");
}

Test(conf, the_command_line_wins)
{
	struct program program = {0};
	char error[CONF_ERROR_MAX];

	write_file("[engine]\nwire = file\nworkers = 5\n", 33);
	char **argv = ARGS("--workers", "6", "--config", path);
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), 5, "%s", error);
	cr_expect_str_eq(program.wire, "file");
	cr_expect_eq(program.workers, 6);
	unlink(path);
	cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), -1);
	cr_expect(strstr(error, "--config: "), "%s", error);
	cr_expect(strstr(error, "No such file"), "%s", error);
}

Test(conf, bad_arguments)
{
	static const struct {
		char *words[4];
		const char *what;
	} cases[] = {
		{{"--wires", "x"}, "unknown option '--wires'"},
		{{"--wir", "x"}, "unknown option '--wir'"},
		{{"-w", "x"}, "unknown option '-w'"},
		{{"--wire"}, "--wire needs a value (DEVICE)"},
		{{"--config"}, "--config needs a value (FILE)"},
		{{"--config=a", "--config", "b"}, "--config stands twice"},
		{{"--idle-sleep=no"}, "--idle-sleep takes no value"},
		{{"--workers", "0"}, "--workers: expected a number from 1 to 64"},
		{{"--workers", "-1"}, "--workers: expected a number"},
		{{"--wire="}, "--wire: expected a device name"},
		{{"--=x"}, "unknown option '--'"},
		{{"--password-file", "x"}, "unknown option"},
	};
	struct program program = {0};
	char error[CONF_ERROR_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[6] = {"prog"};

		memcpy(argv + 1, cases[i].words, sizeof(cases[i].words));
		cr_expect_eq(conf_args(count(argv), argv, sections, &program, error), -1, "%s",
			cases[i].what);
		cr_expect(strstr(error, cases[i].what), "%s: %s", cases[i].what, error);
	}
}

Test(conf, usage_names_every_key)
{
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	conf_usage(out, sections);
	fclose(out);
	for (const struct conf_key *key = main_keys; key->name; key++)
		cr_expect(strstr(text, key->name) && strstr(text, key->help), "%s", key->name);
	cr_expect(strstr(text, "--wire DEVICE") && strstr(text, "--config FILE"));
}

Test(conf, values)
{
	static const struct {
		const char *text;
		int rc;
		unsigned value;
	} numbers[] = {{"0", 0, 0}, {"10", 0, 10}, {"007", 0, 7}, {"4000", 0, 4000},
		{"4001", -1, 0}, {"", -1, 0}, {" 1", -1, 0}, {"1 ", -1, 0}, {"+1", -1, 0},
		{"-1", -1, 0}, {"0x10", -1, 0}, {"1.5", -1, 0}, {"99999999999999999999999", -1, 0},
		{"4294967297", -1, 0}};
	static const struct {
		const char *text;
		int rc, value;
	} bools[] = {{"yes", 0, 1}, {"no", 0, 0}, {"", -1, 0}, {"Yes", -1, 0}, {"1", -1, 0}};
	char error[CONF_ERROR_MAX];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		unsigned value = 0;

		cr_expect_eq(conf_uint(numbers[i].text, 0, 4000, &value, error), numbers[i].rc,
			"%s", numbers[i].text);
		cr_expect_eq(value, numbers[i].value);
	}
	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
		bool value = false;

		cr_expect_eq(conf_bool(bools[i].text, &value, error), bools[i].rc);
		cr_expect_eq(value, bools[i].value);
	}
	int level = -1;
	cr_expect_eq(conf_log_level("warning", &level, error), 0);
	cr_expect_eq(level, LOG_WARNING);
	cr_expect_eq(conf_log_level("loud", &level, error), -1);
	cr_expect(strstr(error, "expected error, warning"), "%s", error);
	cr_expect_eq(level, LOG_WARNING);
}

Test(conf, secrets)
{
	static const struct {
		const char *text;
		size_t length;
		mode_t mode;
		const char *secret, *error;
	} cases[] = {
		{"hunter two \nmore\n", 17, 0600, "hunter two ", NULL},
		{"x", 1, 0400, "x", NULL},
		{"crlf\r\n", 6, 0600, "crlf", NULL},
		{"123456789012345\n", 16, 0600, "123456789012345", NULL},
		{"1234567890123456\n", 17, 0600, NULL, "too long"},
		{"", 0, 0600, NULL, "empty"},
		{"\nx\n", 3, 0600, NULL, "empty"},
		{"a\0b\n", 4, 0600, NULL, "NUL"},
		{"open\n", 5, 0644, NULL, "mode 0644"},
		{"open\n", 5, 0640, NULL, "mode 0640"},
		{"open\n", 5, 0602, NULL, "mode 0602"},
	};
	char error[CONF_ERROR_MAX], out[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(cases[i].text, cases[i].length);
		chmod(path, cases[i].mode);
		int rc = conf_secret(path, out, sizeof(out), error);
		cr_expect_eq(rc, cases[i].secret ? 0 : -1, "case %zu", i);
		if (cases[i].secret)
			cr_expect_str_eq(out, cases[i].secret);
		else
			cr_expect(strstr(error, cases[i].error) && !strstr(error, "1234"), "%s",
				error);
		unlink(path);
	}
	cr_expect_eq(conf_secret("/nonexistent", out, sizeof(out), error), -1);
	cr_expect(strstr(error, "/nonexistent: No such file"));
	cr_expect_eq(conf_secret("/tmp", out, sizeof(out), error), -1);
}

Test(conf, secret_from_standard_input)
{
	char error[CONF_ERROR_MAX], out[16];
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], "s3cret\nrest", 11), 11);
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	cr_expect_eq(conf_secret("-", out, sizeof(out), error), 0);
	cr_expect_str_eq(out, "s3cret");
	char rest[8] = "";
	cr_expect_eq(read(STDIN_FILENO, rest, 7), 4, "what follows is left there");
	cr_expect_str_eq(rest, "rest");
}
