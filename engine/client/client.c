// SPDX-License-Identifier: BSD-3-Clause
// Finds the command that the words name, connects, runs it. One thread.
#include "engine/client/client.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/base/rpc.h"
#include "engine/base/version.h"
#include "engine/client/table.h"

static void run_help(struct client *client, char **arguments, unsigned n);

static const struct client_command own_commands[] = {
	{"help", "[WORD...]", 0, 8, CLIENT_NO_SERVER, "what the commands are", run_help},
	{0},
};

static const struct {
	const char *title;
	const struct client_command *commands;
} groups[] = {
	{"engine", client_engine_commands},
	{"agent", client_agent_commands},
	{"client", own_commands},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

void client_fail(struct client *client, enum client_status status, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(client->err, "crowfly: %s\n", table_clean(text));
	client->status = status;
}

bool client_print_json(struct client *client, const json_t *result)
{
	if (!client->json)
		return false;
	json_dumpf(result, client->out, JSON_COMPACT | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY);
	fputc('\n', client->out);
	return true;
}

json_t *client_call(struct client *client, const char *method, json_t *params)
{
	json_t *answer = rpc_call_blocking(client->fd, method, params);
	json_t *error = json_object_get(answer, "error");
	json_t *result = json_incref(json_object_get(answer, "result"));

	if (!answer) {
		client_fail(client, CLIENT_FAILED, "%s: the connection was lost: %s", method,
			strerror(errno));
	} else if (error || !result) {
		const char *text = json_string_value(json_object_get(error, "message"));
		json_t *status = json_object_get(json_object_get(error, "data"), "status");

		if (json_is_integer(status))
			client_fail(client, CLIENT_FAILED, "%s: %s (status %d)", method,
				text ? text : "failed", (int)json_integer_value(status));
		else
			client_fail(
				client, CLIENT_FAILED, "%s: %s", method, text ? text : "failed");
		json_decref(result);
		result = NULL;
	}
	json_decref(answer);
	return result;
}

json_t *client_list(struct client *client, const char *method, json_t *params, const char *field)
{
	json_t *rows = json_array(), *next = NULL, *page;
	size_t n;

	params = params ? params : json_object();
	do {
		if (next)
			json_object_set_new(params, "after", next);
		page = client_call(client, method, json_deep_copy(params));
		n = json_array_size(json_object_get(page, field));
		json_array_extend(rows, json_object_get(page, field));
		next = json_incref(json_object_get(page, "next"));
		json_decref(page);
	} while (n > 0 && next && !json_is_null(next));
	json_decref(next);
	json_decref(params);
	if (client->status == CLIENT_OK)
		return json_pack("{s:o}", field, rows);
	json_decref(rows);
	return NULL;
}

// ---- the command table

// How many of the command's words stand at the beginning of `words`; *whole: all of them.
static unsigned match(const char *command, char **words, unsigned n, bool *whole)
{
	unsigned matched = 0;

	for (*whole = false; matched < n; matched++) {
		size_t length = strcspn(command, " ");

		if (strlen(words[matched]) != length ||
			strncmp(words[matched], command, length) != 0)
			return matched;
		command += length;
		if (!*command) {
			*whole = true;
			return matched + 1;
		}
		command++;
	}
	return matched;
}

// The command that the words begin with, *used of them. NULL: none; *used begin one.
static const struct client_command *find_command(char **words, unsigned n, unsigned *used)
{
	const struct client_command *found = NULL, *c;
	unsigned most = 0;

	for (size_t g = 0; g < GROUPS; g++) {
		for (c = groups[g].commands; c->words; c++) {
			bool whole;
			unsigned matched = match(c->words, words, n, &whole);

			if (matched > most || (whole && matched == most)) {
				found = whole ? c : NULL;
				most = matched;
			}
		}
	}
	*used = most;
	return found;
}

static void print_usage(FILE *out)
{
	fputs("usage: crowfly [-s SOCKET] [-j] COMMAND...\n"
	      "  -s SOCKET   talk to this socket (engine " API_ENGINE_SOCKET
	      ", agent " API_AGENT_SOCKET ")\n"
	      "  -j          print the result as JSON\n"
	      "crowfly help lists the commands\n",
		out);
}

static void run_help(struct client *client, char **arguments, unsigned n)
{
	bool any = false, whole;

	for (size_t g = 0; g < GROUPS; g++) {
		const struct client_command *c = groups[g].commands;
		bool titled = false;

		for (; c->words; c++) {
			char line[128];

			if (match(c->words, arguments, n, &whole) < n)
				continue;
			if (!titled)
				fprintf(client->out, "%s:\n", groups[g].title);
			titled = any = true;
			snprintf(line, sizeof(line), "%s %s", c->words, c->arguments);
			fprintf(client->out, "  %-28s  %s\n", line, c->help);
		}
	}
	if (!any)
		client_fail(client, CLIENT_USAGE, "no command begins with '%s' (see crowfly help)",
			arguments[0]);
}

// Says which words could have followed.
static void fail_unknown(struct client *client, char **words, unsigned n, unsigned used)
{
	char expected[512] = "", typed[256] = "";
	bool whole;

	for (size_t g = 0; g < GROUPS && used; g++) {
		const struct client_command *c = groups[g].commands;

		for (; c->words; c++) {
			size_t at = strlen(expected);

			if (match(c->words, words, used, &whole) == used)
				snprintf(expected + at, sizeof(expected) - at, "%s'%s'",
					at ? ", " : "", c->words);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(typed);

		snprintf(typed + at, sizeof(typed) - at, "%s%s", i ? " " : "", words[i]);
	}
	client_fail(client, CLIENT_USAGE, "unknown command '%s' (expected: %s)", typed,
		expected[0] ? expected : "a command of crowfly help");
}

static bool connect_to(struct client *client, const struct client_command *command)
{
	const char *path = client->socket;

	if (command->server == CLIENT_NO_SERVER)
		return true;
	if (!path)
		path = command->server == CLIENT_ENGINE ? API_ENGINE_SOCKET : API_AGENT_SOCKET;
	client->fd = rpc_connect(path);
	if (client->fd >= 0)
		return true;
	client_fail(client, CLIENT_NO_CONNECTION, "cannot connect to the %s at %s: %s",
		command->server == CLIENT_ENGINE ? "engine" : "agent", path, strerror(errno));
	return false;
}

static void run_words(struct client *client, char **words, unsigned n)
{
	unsigned used;
	const struct client_command *command = find_command(words, n, &used);

	if (!command) {
		fail_unknown(client, words, n, used);
		return;
	}
	if (n - used < command->min || n - used > command->max) {
		client_fail(client, CLIENT_USAGE, "%s: expected: crowfly %s %s", command->words,
			command->words, command->arguments);
		return;
	}
	if (connect_to(client, command))
		command->run(client, words + used, n - used);
	if (client->fd >= 0)
		close(client->fd);
}

int client_run(int argc, char **argv, FILE *out, FILE *err)
{
	static const struct option long_options[] = {{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'}, {"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'}, {0}};
	struct client client = {.out = out, .err = err, .fd = -1};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+s:jhV", long_options, NULL)) != -1) {
		if (option == 's') {
			client.socket = optarg;
		} else if (option == 'j') {
			client.json = true;
		} else if (option == 'h') {
			print_usage(out);
			return CLIENT_OK;
		} else if (option == 'V') {
			fprintf(out, "crowfly %s\n", VERSION);
			return CLIENT_OK;
		} else {
			client_fail(&client, CLIENT_USAGE, "unknown option, or value missing: '%s'",
				argv[optind - 1]);
			print_usage(err);
			return CLIENT_USAGE;
		}
	}
	if (optind >= argc) {
		print_usage(err);
		return CLIENT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); // half an output is an error of ours, told below
	run_words(&client, argv + optind, (unsigned)(argc - optind));
	if ((fflush(out) != 0 || ferror(out)) && client.status == CLIENT_OK)
		client_fail(&client, CLIENT_FAILED, "cannot write the output: %s", strerror(errno));
	return client.status;
}
