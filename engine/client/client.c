// SPDX-License-Identifier: BSD-3-Clause
// What the handlers of commands share: calls, errors, arguments. One thread.
#include "engine/client/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "engine/base/rpc.h"
#include "engine/client/commands.h"
#include "engine/client/placeholder.h"
#include "engine/client/table.h"

#define INDENT 4 // of an error's further lines

void client_fail(struct client *client, enum client_status status, const char *fmt, ...)
{
	char text[COMMANDS_ERROR_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fputs(client->where, client->err);
	table_wrap(client->err, table_clean(text), (int)strlen(client->where), INDENT, false);
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

// How many characters of a pattern are the fixed words at its beginning.
static int fixed_length(const char *pattern)
{
	const char *end = pattern;

	while (islower((unsigned char)*end)) {
		const char *next = end + strcspn(end, " ");

		end = next + strspn(next, " ");
	}
	while (end > pattern && end[-1] == ' ')
		end--;
	return (int)(end - pattern);
}

// Whether the API's field is what the command has right behind its fixed words, or the last of
// them: the id of `show session ID`, the session of `capture start session ID`.
static bool is_told(const char *pattern, int fixed, const char *field, size_t length)
{
	const char *next = pattern + fixed + strspn(pattern + fixed, " (");

	if (strncasecmp(next, field, length) == 0 && !isalnum((unsigned char)next[length]))
		return true;
	return (size_t)fixed > length && pattern[(size_t)fixed - length - 1] == ' ' &&
	       strncmp(pattern + (size_t)fixed - length, field, length) == 0;
}

// What the server answered, in the words of the command.
static void fail_of_server(struct client *client, const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "message"));
	const json_t *data = json_object_get(error, "data");
	const char *field = json_string_value(json_object_get(data, "field"));
	const json_t *status = json_object_get(data, "status");
	const char *pattern = client->command ? client->command->pattern : "";
	int fixed = fixed_length(pattern);
	size_t length = field ? strlen(field) : 0;

	text = text ? text : "failed";
	if (json_integer_value(json_object_get(error, "code")) == RPC_METHOD_NOT_FOUND)
		text = "not known here: this socket is another program's, or another version's";
	else if (length && strncmp(text, field, length) == 0 &&
		 strncmp(text + length, ": ", 2) == 0 && is_told(pattern, fixed, field, length))
		text += length + 2;
	if (json_is_integer(status))
		client_fail(client, CLIENT_FAILED, "%.*s: %s (status %d)", fixed, pattern, text,
			(int)json_integer_value(status));
	else
		client_fail(client, CLIENT_FAILED, "%.*s: %s", fixed, pattern, text);
}

json_t *client_call(struct client *client, const char *method, json_t *params)
{
	json_t *answer = rpc_call_blocking(client->fd, method, params);
	json_t *error = json_object_get(answer, "error");
	json_t *result = json_incref(json_object_get(answer, "result"));
	const char *pattern = client->command ? client->command->pattern : "";

	if (!answer && client->interrupted) {
		client_fail(
			client, CLIENT_FAILED, "%.*s: interrupted", fixed_length(pattern), pattern);
	} else if (!answer) {
		client_fail(client, CLIENT_FAILED, "%.*s: the connection was lost: %s",
			fixed_length(pattern), pattern, strerror(errno));
	} else if (error || !result) {
		fail_of_server(client, error);
		json_decref(result);
		result = NULL;
	}
	json_decref(answer);
	return result;
}

json_int_t client_number(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

const char *client_text(const json_t *object, const char *field)
{
	const char *value = json_string_value(json_object_get(object, field));

	return value ? value : "-";
}

void client_print(struct client *client, const json_t *result)
{
	if (client_print_json(client, result))
		return;
	if (json_object_size(result) > 0)
		table_print_object(client->out, result);
	else
		fputs("ok\n", client->out);
}

void client_call_and_print(struct client *client, const char *method, json_t *params)
{
	json_t *result = client_call(client, method, params);

	if (result)
		client_print(client, result);
	json_decref(result);
}

json_t *client_list(struct client *client, const char *method, json_t *params, const char *field)
{
	json_t *rows = json_array(), *next = NULL, *page;

	params = params ? params : json_object();
	do {
		if (next)
			json_object_set_new(params, "after", next);
		page = client_call(client, method, json_deep_copy(params));
		json_array_extend(rows, json_object_get(page, field));
		next = json_incref(json_object_get(page, "next"));
		json_decref(page);
	} while (next && !json_is_null(next));
	json_decref(next);
	json_decref(params);
	if (client->status == CLIENT_OK)
		return json_pack("{s:o}", field, rows);
	json_decref(rows);
	return NULL;
}

// ---- arguments

const char *client_arg_text(const struct client_args *args, const char *name)
{
	return pattern_arg_text(&args->pattern, name);
}

uint64_t client_arg_uint(const struct client_args *args, const char *name, uint64_t fallback)
{
	const char *text = client_arg_text(args, name);
	uint64_t number;

	return text && placeholder_number(text, &number) ? number : fallback;
}

bool client_arg_has(const struct client_args *args, const char *name)
{
	return pattern_arg_has(&args->pattern, name);
}
