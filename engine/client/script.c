// SPDX-License-Identifier: BSD-3-Clause
// Files of commands, one a line. One thread.
#include "engine/client/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/client/client_run.h"

#define DEPTH_MAX  8   // files that load each other
#define NAME_SHOWN 200 // characters of a file's name in an error
#define LINE_BYTES 65536

struct script {
	struct script *by; // that loads this one
	struct stat stat;
};

// Reads a line, without its end; LINE_BYTES - 1 characters: it is longer. False: there is none.
static bool read_line(FILE *file, char line[LINE_BYTES], size_t *length)
{
	size_t n = 0;
	int c = '\0';

	while (n < LINE_BYTES - 1 && (c = getc(file)) != EOF && c != '\n')
		line[n++] = (char)c;
	line[n] = '\0';
	*length = n;
	return n > 0 || c == '\n';
}

static void run_lines(
	struct client *client, FILE *file, const char *name, char *line, enum client_status *first)
{
	char where[NAME_SHOWN + 32];
	bool whole = true;
	size_t length;

	for (unsigned number = 1; whole && read_line(file, line, &length); number++) {
		snprintf(where, sizeof(where), "%.*s:%u: ", NAME_SHOWN, name, number);
		client->where = where;
		whole = length < LINE_BYTES - 1; // the rest is no command
		if (!whole)
			client_fail(client, CLIENT_USAGE, "longer than %d bytes", LINE_BYTES - 2);
		else if (strlen(line) < length)
			client_fail(client, CLIENT_USAGE, "a NUL character");
		else
			client_run_line(client, line);
		if (fflush(client->out) != 0)
			return; // whoever read has gone; client_run() says so
		if (*first == CLIENT_OK)
			*first = client->status;
		if (client->quit || client->interrupted ||
			(client->status != CLIENT_OK && !client->keep_going))
			return;
	}
	if (ferror(file)) {
		client->where = "crowfly: ";
		client_fail(client, CLIENT_FAILED, "%s: %s", name, strerror(errno));
		*first = *first == CLIENT_OK ? client->status : *first;
	}
}

enum client_status script_run(struct client *client, FILE *file, const char *name)
{
	enum client_status first = CLIENT_OK;
	const char *where = client->where;
	char *line = malloc(LINE_BYTES);

	if (line)
		run_lines(client, file, name, line, &first);
	else
		client_fail(client, first = CLIENT_FAILED, "%s: %s", name, strerror(errno));
	free(line);
	client->where = where;
	client->status = first;
	return first;
}

// Whether the file may be loaded now.
static bool check(struct client *client, const struct script *script, const char *path)
{
	unsigned depth = 1;

	for (const struct script *s = script->by; s; s = s->by, depth++) {
		if (s->stat.st_dev == script->stat.st_dev &&
			s->stat.st_ino == script->stat.st_ino) {
			client_fail(client, CLIENT_FAILED, "load: %s would load itself", path);
			return false;
		}
	}
	if (depth > DEPTH_MAX)
		client_fail(client, CLIENT_FAILED, "load: %s: more than %d files load each other",
			path, DEPTH_MAX);
	return depth <= DEPTH_MAX;
}

enum client_status script_load(struct client *client, const char *path)
{
	struct script script = {.by = client->script};
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");

	if (is_stdin && client->stdin_is_commands) {
		client_fail(client, CLIENT_FAILED, "load: standard input holds these commands");
		return client->status;
	}
	if (!file || fstat(fileno(file), &script.stat) != 0) {
		client_fail(client, CLIENT_FAILED, "%s: %s", path, strerror(errno));
	} else if (check(client, &script, path)) {
		bool before = client->stdin_is_commands;

		client->stdin_is_commands = before || is_stdin;
		client->script = &script;
		script_run(client, file, is_stdin ? "stdin" : path);
		client->script = script.by;
		client->stdin_is_commands = before;
	}
	if (file && !is_stdin)
		fclose(file);
	return client->status;
}
