// SPDX-License-Identifier: BSD-3-Clause
// The commands of the engine's sessions. One thread.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/pages.h"
#include "engine/client/table.h"

#define FILE_MAX (1u << 20) // of a session's parameters

// ---- lists

#define FILTERS                                                                                    \
	"[remote ADDRESS] [suite SUITE] [direction DIRECTION] [worker WORKER] [idle SECONDS] "     \
	"[drops] [draining]"
#define PART "[limit N] [after ID]"

static const struct table_column session_columns[] = {
	{"ID", "id"},
	{"WIRE LOCAL", "wire.local"},
	{"WIRE REMOTE", "wire.remote"},
	{"HOST LOCAL", "host.local"},
	{"HOST REMOTE", "host.remote"},
	{"SUITE", "suite"},
	{"DIRECTION", "direction"},
	{"STATE", "state"},
	{"RX", "rx.packets"},
	{"RX LOST", "rx.lost"},
	{"RX DROP", "rx.dropped"},
	{"TX", "tx.packets"},
	{"TX DROP", "tx.dropped"},
	{0},
};

static const struct table_column stream_columns[] = {
	{"SESSION", "session"},
	{"DIRECTION", "direction"},
	{"SSRC", "ssrc"},
	{"CURRENT", "current"},
	{"SEQUENCE", "sequence"},
	{"ROC", "roc"},
	{"PACKETS", "packets"},
	{"LOST", "lost"},
	{"JITTER US", "jitter_us"},
	{"REPLAYED", "replayed"},
	{"AUTH FAILED", "auth_failed"},
	{"WORKER", "worker"},
	{0},
};

static const struct table_column key_columns[] = {
	{"SESSION", "session"},
	{"DIRECTION", "direction"},
	{"SUITE", "suite"},
	{"AGE S", "age_s"},
	{"PACKETS LEFT", "packets_left"},
	{"FINGERPRINT", "fingerprint"},
	{0},
};

static const struct table_column route_columns[] = {
	{"PORT", "port"},
	{"LOCAL", "local"},
	{"REMOTE", "remote"},
	{"NEXT HOP", "next_hop"},
	{"MAC", "mac"},
	{"STATE", "state"},
	{"STREAMS", "streams"},
	{0},
};

static json_t *pack_id(const struct client_args *args)
{
	return json_pack("{s:I}", "id", (json_int_t)client_arg_uint(args, "ID", 0));
}

static void set_number(
	json_t *params, const char *field, const struct client_args *args, const char *name)
{
	if (client_arg_text(args, name))
		json_object_set_new(
			params, field, json_integer((json_int_t)client_arg_uint(args, name, 0)));
}

static void set_text(json_t *params, const struct client_args *args, const char *name)
{
	if (client_arg_text(args, name))
		json_object_set_new(params, name, json_string(client_arg_text(args, name)));
}

static json_t *pack_filters(const struct client_args *args)
{
	json_t *params = json_object();

	set_text(params, args, "remote");
	set_text(params, args, "suite");
	set_text(params, args, "direction");
	set_number(params, "worker", args, "worker");
	set_number(params, "idle_s", args, "idle");
	set_number(params, "after", args, "after");
	if (client_arg_has(args, "drops"))
		json_object_set_new(params, "dropped", json_true());
	if (client_arg_has(args, "draining"))
		json_object_set_new(params, "draining", json_true());
	return params;
}

static void show_sessions(struct client *client, const struct client_args *args)
{
	const struct pages pages = {.method = API_SESSION_LIST,
		.field = "sessions",
		.columns = client_arg_has(args, "detail") ? NULL : session_columns,
		.limit = client_arg_uint(args, "limit", 0)};

	pages_show(client, &pages, pack_filters(args));
}

// A session with its streams and keys.
static void show_detail(struct client *client, const struct client_args *args)
{
	json_int_t id = (json_int_t)client_arg_uint(args, "ID", 0);
	json_t *session = client_call(client, API_SESSION_STATS, pack_id(args));
	json_t *streams = session ? client_list(client, API_STREAM_LIST,
					    json_pack("{s:I}", "session", id), "streams")
				  : NULL;
	json_t *keys = streams ? client_list(client, API_KEY_LIST,
					 json_pack("{s:I}", "session", id), "keys")
			       : NULL;

	if (keys) {
		json_object_update(session, streams);
		json_object_update(session, keys);
	}
	if (keys && !client_print_json(client, session)) {
		json_object_del(session, "streams");
		json_object_del(session, "keys");
		table_print_object(client->out, session);
		fputc('\n', client->out);
		table_print(client->out, stream_columns, json_object_get(streams, "streams"));
		fputc('\n', client->out);
		table_print(client->out, key_columns, json_object_get(keys, "keys"));
	}
	json_decref(keys);
	json_decref(streams);
	json_decref(session);
}

static void show_session(struct client *client, const struct client_args *args)
{
	if (client_arg_has(args, "detail"))
		show_detail(client, args);
	else
		client_call_and_print(client, API_SESSION_STATS, pack_id(args));
}

// The engine counts some thousand sessions a call.
static void count_sessions(struct client *client, const struct client_args *args)
{
	json_t *params = pack_filters(args), *page, *total = NULL;
	json_int_t matched = 0;

	while ((page = client_call(client, API_SESSION_COUNT, json_deep_copy(params)))) {
		json_t *next = json_object_get(page, "next");
		bool end = json_is_null(next);

		matched += json_integer_value(json_object_get(page, "matched"));
		json_object_set(params, "after", next);
		if (end)
			total = json_pack("{s:I, s:O}", "matched", matched, "sessions",
				json_object_get(page, "sessions"));
		json_decref(page);
		if (end)
			break;
	}
	if (total && !client_print_json(client, total))
		table_print_object(client->out, total);
	json_decref(total);
	json_decref(params);
}

// Of one session, or of all.
static void show_parts(struct client *client, const struct client_args *args, const char *method,
	const char *field, const struct table_column columns[])
{
	const struct pages pages = {method, field, columns, client_arg_uint(args, "limit", 0)};
	json_t *params = json_object();

	if (client_arg_has(args, "all"))
		set_number(params, "after", args, "after");
	else
		set_number(params, "session", args, "ID");
	pages_show(client, &pages, params);
}

static void show_streams(struct client *client, const struct client_args *args)
{
	show_parts(client, args, API_STREAM_LIST, "streams", stream_columns);
}

static void show_keys(struct client *client, const struct client_args *args)
{
	show_parts(client, args, API_KEY_LIST, "keys", key_columns);
}

static void show_routes(struct client *client, const struct client_args *args)
{
	const struct pages pages = {
		API_ROUTE_LIST, "routes", route_columns, client_arg_uint(args, "limit", 0)};

	pages_show(client, &pages, NULL);
}

// ---- adding and removing

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

static void drain_session(struct client *client, const struct client_args *args)
{
	json_t *params = pack_id(args);

	set_number(params, "idle_s", args, "idle");
	client_call_and_print(client, API_SESSION_DRAIN, params);
}

const struct client_command command_session[] = {
	{"show session all [detail] " FILTERS " " PART, "session", "0.1", CLIENT_ENGINE,
		"sessions and their statistics, all or some of them", show_sessions},
	{"show session ID [detail]", "session", "0.1", CLIENT_ENGINE,
		"a session, its streams and keys with `detail`", show_session},
	{"show session count " FILTERS, "session", "0.2", CLIENT_ENGINE,
		"how many sessions there are of a kind", count_sessions},
	{"show stream (all|ID) " PART, "session", "0.2", CLIENT_ENGINE,
		"sources of sessions: index, loss, jitter", show_streams},
	{"show keys (all|ID) " PART, "session", "0.2", CLIENT_ENGINE,
		"age, packets left and fingerprint of keys, never a key", show_keys},
	{"show route [limit N]", "display", "0.2", CLIENT_ENGINE,
		"next hops towards peers and applications", show_routes},
	{"session add FILE", "session", "0.1", CLIENT_ENGINE,
		"add the session in a JSON file, or in standard input (-)", add_session},
	{"session remove ID", "session", "0.1", CLIENT_ENGINE,
		"remove a session; prints its last statistics", remove_session},
	{"session drain ID [idle SECONDS]", "session", "0.2", CLIENT_ENGINE,
		"remove a session once no packet came for so long (10 s)", drain_session},
	{0},
};
