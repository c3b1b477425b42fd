// SPDX-License-Identifier: BSD-3-Clause
// The commands for the engine's socket. One thread.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/base/rpc.h"
#include "engine/client/client.h"
#include "engine/client/table.h"

#define FILE_MAX (1u << 20) // of a session's parameters

// The number of a session; false after client_fail().
static bool read_id(struct client *client, const char *text, json_int_t *id)
{
	char *end;

	errno = 0;
	*id = strtoll(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno)
		return true;
	client_fail(client, CLIENT_USAGE, "'%s' is no session (expected all or the number of one)",
		text);
	return false;
}

static void print_object(struct client *client, json_t *result)
{
	if (result && !client_print_json(client, result))
		table_print_object(client->out, result);
	json_decref(result);
}

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

static void show_session(struct client *client, char **arguments, unsigned n)
{
	json_int_t id;

	(void)n;
	if (strcmp(arguments[0], "all") == 0)
		show_all_sessions(client);
	else if (read_id(client, arguments[0], &id))
		print_object(client,
			client_call(client, API_SESSION_STATS, json_pack("{s:I}", "id", id)));
}

static void show_stats(struct client *client, char **arguments, unsigned n)
{
	(void)arguments;
	(void)n;
	print_object(client, client_call(client, API_STATS, NULL));
}

static void show_info(struct client *client, char **arguments, unsigned n)
{
	(void)arguments;
	(void)n;
	print_object(client, client_call(client, API_INFO, NULL));
}

static void show_ports(struct client *client, char **arguments, unsigned n)
{
	static const struct table_column columns[] = {
		{"ROLE", "role"},
		{"DEVICE", "device"},
		{"MAC", "mac"},
		{"LINK", "link_up"},
		{"QUEUES", "queues"},
		{"RX", "rx_packets"},
		{"TX", "tx_packets"},
		{"RX MISSED", "rx_missed"},
		{"RX ERRORS", "rx_errors"},
		{"TX ERRORS", "tx_errors"},
		{"ADDRESSES", "addresses"},
		{0},
	};

	(void)n;
	if (strcmp(arguments[0], "all") != 0) {
		client_fail(client, CLIENT_USAGE, "'%s' is no port (expected all)", arguments[0]);
		return;
	}
	json_t *result = client_call(client, API_PORT_LIST, NULL);
	if (result && !client_print_json(client, result))
		table_print(client->out, columns, json_object_get(result, "ports"));
	json_decref(result);
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

static void add_session(struct client *client, char **arguments, unsigned n)
{
	json_t *params = read_file(client, arguments[0]);
	json_t *result = params ? client_call(client, API_SESSION_ADD, params) : NULL;

	(void)n;
	if (result && !client_print_json(client, result))
		fprintf(client->out, "session %" JSON_INTEGER_FORMAT " added\n",
			json_integer_value(json_object_get(result, "id")));
	json_decref(result);
}

static void remove_session(struct client *client, char **arguments, unsigned n)
{
	json_int_t id;

	(void)n;
	if (read_id(client, arguments[0], &id))
		print_object(client,
			client_call(client, API_SESSION_REMOVE, json_pack("{s:I}", "id", id)));
}

const struct client_command client_engine_commands[] = {
	{"show session", "all|ID", 1, 1, CLIENT_ENGINE, "sessions and their statistics",
		show_session},
	{"show stats", "", 0, 0, CLIENT_ENGINE, "totals, and drops by reason", show_stats},
	{"show port", "all", 1, 1, CLIENT_ENGINE, "the ports, their addresses and counters",
		show_ports},
	{"show info", "", 0, 0, CLIENT_ENGINE, "version, crypto back end, addresses", show_info},
	{"session add", "FILE|-", 1, 1, CLIENT_ENGINE,
		"add the session in a JSON file or standard input", add_session},
	{"session remove", "ID", 1, 1, CLIENT_ENGINE,
		"remove a session; prints its last statistics", remove_session},
	{0},
};
