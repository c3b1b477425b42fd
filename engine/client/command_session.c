// SPDX-License-Identifier: BSD-3-Clause
// The commands of the engine's sessions. One thread.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

#define FILE_MAX (1u << 20) // of a session's parameters

static void show_all_sessions(struct client *client)
{
	static const struct table_column columns[] = {
		{"ID", "id"},
		{"WIRE LOCAL", "wire.local"},
		{"WIRE REMOTE", "wire.remote"},
		{"HOST LOCAL", "host.local"},
		{"HOST REMOTE", "host.remote"},
		{"SUITE", "suite"},
		{"DIRECTION", "direction"},
		{"RX", "rx.packets"},
		{"RX LOST", "rx.lost"},
		{"RX DROP", "rx.dropped"},
		{"TX", "tx.packets"},
		{"TX DROP", "tx.dropped"},
		{0},
	};
	json_t *result = client_list(client, API_SESSION_LIST, NULL, "sessions");

	if (result && !client_print_json(client, result))
		table_print(client->out, columns, json_object_get(result, "sessions"));
	json_decref(result);
}

static json_t *pack_id(const struct client_args *args)
{
	return json_pack("{s:I}", "id", (json_int_t)client_arg_uint(args, "ID", 0));
}

static void show_session(struct client *client, const struct client_args *args)
{
	if (client_arg_has(args, "all"))
		show_all_sessions(client);
	else
		client_call_and_print(client, API_SESSION_STATS, pack_id(args));
}

// Reads all of `fd` into `data`, FILE_MAX bytes. Its length, or -1 and errno.
static ssize_t read_all(int fd, char *data)
{
	size_t length = 0;

	for (;;) {
		ssize_t n = read(fd, data + length, FILE_MAX - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : (ssize_t)length;
		length += n;
		if (length == FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
}

// The JSON object in a file; NULL after client_fail(). No text of it is ever shown: it holds keys.
static json_t *read_file(struct client *client, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;

	if (is_stdin && client->stdin_is_commands) {
		client_fail(
			client, CLIENT_FAILED, "session add: standard input holds the commands");
		return NULL;
	}
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *data = fd >= 0 ? malloc(FILE_MAX) : NULL;
	json_error_t error;
	json_t *object = NULL;

	ssize_t length = data ? read_all(fd, data) : -1;
	if (length < 0) {
		client_fail(client, CLIENT_FAILED, "%s: %s", path, strerror(errno));
	} else {
		object = json_loadb(data, length, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(object)) {
			client_fail(client, CLIENT_FAILED,
				"%s: expected a JSON object, wrong at line %d column %d", path,
				object ? 1 : error.line, object ? 1 : error.column);
			json_decref(object);
			object = NULL;
		}
	}
	explicit_bzero(&error, sizeof(error));
	if (data)
		explicit_bzero(data, FILE_MAX);
	free(data);
	if (fd >= 0 && !is_stdin)
		close(fd);
	return object;
}

static void add_session(struct client *client, const struct client_args *args)
{
	json_t *params = read_file(client, client_arg_text(args, "FILE"));
	json_t *result = params ? client_call(client, API_SESSION_ADD, params) : NULL;

	if (result && !client_print_json(client, result))
		fprintf(client->out, "session %" JSON_INTEGER_FORMAT " added\n",
			json_integer_value(json_object_get(result, "id")));
	json_decref(result);
}

static void remove_session(struct client *client, const struct client_args *args)
{
	client_call_and_print(client, API_SESSION_REMOVE, pack_id(args));
}

const struct client_command command_session[] = {
	{"show session (all|ID)", "session", "0.1", CLIENT_ENGINE, "sessions and their statistics",
		show_session},
	{"session add FILE", "session", "0.1", CLIENT_ENGINE,
		"add the session in a JSON file, or in standard input (-)", add_session},
	{"session remove ID", "session", "0.1", CLIENT_ENGINE,
		"remove a session; prints its last statistics", remove_session},
	{0},
};
