// SPDX-License-Identifier: BSD-3-Clause
// Requests and answers: checks a line, calls its method, sends what comes back; thread of the event
// base. No text here repeats a request's params: they may hold keys.
#include "engine/base/rpc_private.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"

#define ID_MAX	   256 // bytes of a request's id
#define NAME_SHOWN 64  // bytes of a client's word that an error repeats
#define TEXT_MAX   512

static void wiping_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void rpc_init(void)
{
	json_malloc_t alloc;
	json_free_t release;

	json_get_alloc_funcs(&alloc, &release);
	if (release != wiping_free)
		json_set_alloc_funcs(malloc, wiping_free);
}

// A string of text that may have been cut inside a UTF-8 character.
static json_t *text_string(char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	for (char *c = text; *c; c++) {
		if (*c & 0x80)
			*c = '?';
	}
	return json_string(text);
}

static json_t *error_object(int code, const char *field, const char *fmt, va_list args)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, args);
	json_t *error = json_pack("{s:i, s:o}", "code", code, "message", text_string(text));
	if (error && field) {
		char name[NAME_SHOWN + 1];

		snprintf(name, sizeof(name), "%s", field);
		json_object_set_new(error, "data", json_pack("{s:o}", "field", text_string(name)));
	}
	return error;
}

// Sends {"jsonrpc", "id", `member`: value}. Steals value.
static void send_answer(struct rpc_conn *conn, json_t *id, const char *member, json_t *value)
{
	json_t *answer = json_pack(
		"{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id ? id : json_null(), member, value);

	if (answer)
		rpc_conn_send(conn, answer);
	else
		rpc_conn_doom(conn);
	json_decref(answer);
}

// Answers a line that is no request.
static void refuse_line(struct rpc_conn *conn, json_t *id, int code, const char *field,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void refuse_line(
	struct rpc_conn *conn, json_t *id, int code, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	send_answer(conn, id, "error", error_object(code, field, fmt, args));
	va_end(args);
}

void rpc_line_too_long(struct rpc_conn *conn)
{
	refuse_line(conn, NULL, RPC_INVALID_REQUEST, NULL,
		"line longer than %u bytes: the connection is closed", RPC_LINE_MAX);
}

static void call_free(struct rpc_call *call)
{
	struct rpc_conn *conn = call->conn;

	if (conn) {
		TAILQ_REMOVE(&conn->calls, call, link);
		conn->n_calls--;
	}
	json_decref(call->id);
	json_decref(call->error);
	json_decref(call->data);
	json_decref(call->result);
	free(call);
	if (conn)
		rpc_conn_resume(conn);
}

void rpc_calls_orphan(struct rpc_conn *conn)
{
	struct rpc_call *call;

	TAILQ_FOREACH (call, &conn->calls, link)
		call->conn = NULL;
	TAILQ_INIT(&conn->calls);
}

// Puts what rpc_fail_data() has collected into the error.
static void merge_data(struct rpc_call *call)
{
	if (!call->error || !call->data)
		return;
	if (!json_object_get(call->error, "data"))
		json_object_set_new(call->error, "data", json_object());
	json_object_update(json_object_get(call->error, "data"), call->data);
}

// Sends the call's error, else its result, and ends it.
static void call_finish(struct rpc_call *call)
{
	struct rpc_conn *conn = call->conn;

	if (conn && call->id) {
		if (!call->error && !call->result)
			rpc_fail(call, RPC_INTERNAL_ERROR, NULL, "no result");
		merge_data(call);
		if (call->error)
			send_answer(conn, call->id, "error", json_incref(call->error));
		else
			send_answer(conn, call->id, "result", json_incref(call->result));
	}
	call_free(call);
}

static void set_error(
	struct rpc_call *call, int code, const char *field, const char *fmt, va_list args)
{
	if (call->error) // the first one says why
		return;
	call->error = error_object(code, field, fmt, args);
}

void rpc_fail_data(struct rpc_call *call, const char *name, json_t *value)
{
	if (!call->data)
		call->data = json_object();
	json_object_set_new(call->data, name, value);
}

json_t *rpc_fail(struct rpc_call *call, int code, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_error(call, code, field, fmt, args);
	va_end(args);
	return NULL;
}

bool rpc_failed(const struct rpc_call *call)
{
	return call->error != NULL;
}

struct rpc_conn *rpc_call_conn(struct rpc_call *call)
{
	return call->conn;
}

static void answer_later(struct rpc_call *call)
{
	if (call->handling)
		call->replied = true; // run_call() goes on
	else
		call_finish(call);
}

void rpc_reply(struct rpc_call *call, json_t *result)
{
	call->result = result;
	answer_later(call);
}

void rpc_reply_fail(struct rpc_call *call, int code, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_error(call, code, field, fmt, args);
	va_end(args);
	answer_later(call);
}

static void run_call(struct rpc_call *call, const struct rpc_method *method, json_t *params)
{
	struct rpc_server *server = call->conn->server;

	call->handling = true;
	json_t *result = method->handle(server->user, call, params);
	call->handling = false;
	if (result == RPC_LATER && !call->replied)
		return;
	if (result != RPC_LATER)
		call->result = result;
	call_finish(call);
}

// Makes the call of a checked request and runs its method.
static void start_call(struct rpc_conn *conn, json_t *id, const char *name, json_t *params)
{
	const struct rpc_method *method = conn->server->methods;
	struct rpc_call *call = calloc(1, sizeof(*call));

	if (!call) {
		rpc_conn_doom(conn);
		return;
	}
	call->conn = conn;
	call->id = json_incref(id);
	TAILQ_INSERT_TAIL(&conn->calls, call, link);
	conn->n_calls++;
	while (method->name && strcmp(method->name, name) != 0)
		method++;
	if (method->name) {
		run_call(call, method, params);
		return;
	}
	rpc_fail(call, RPC_METHOD_NOT_FOUND, "method", "unknown method '%s'", rpc_name_shown(name));
	call_finish(call);
}

// The first member that no request has; NULL: none.
static const char *unknown_member(json_t *request)
{
	static const char *const known[] = {"jsonrpc", "id", "method", "params"};
	const char *key;
	json_t *value;

	json_object_foreach (request, key, value) {
		size_t i = 0;

		while (i < 4 && strcmp(known[i], key) != 0)
			i++;
		if (i == 4)
			return key;
	}
	return NULL;
}

static void take_request(struct rpc_conn *conn, json_t *request)
{
	json_t *id = json_object_get(request, "id");
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *params = json_object_get(request, "params");
	const char *unknown = unknown_member(request);

	if (unknown)
		unknown = rpc_name_shown(unknown);

	if (id && !json_is_null(id) && !json_is_number(id) &&
		!(json_is_string(id) && json_string_length(id) <= ID_MAX)) {
		refuse_line(conn, NULL, RPC_INVALID_REQUEST, "id",
			"id: expected a number or a string of at most %d bytes", ID_MAX);
	} else if (!version || strcmp(version, "2.0") != 0) {
		refuse_line(conn, id, RPC_INVALID_REQUEST, "jsonrpc", "jsonrpc: expected \"2.0\"");
	} else if (!method) {
		refuse_line(conn, id, RPC_INVALID_REQUEST, "method", "method: expected a string");
	} else if (unknown) {
		refuse_line(conn, id, RPC_INVALID_REQUEST, unknown,
			"unknown member '%s' (known: jsonrpc, id, method, params)", unknown);
	} else if (params && !json_is_object(params)) {
		refuse_line(conn, id, RPC_INVALID_PARAMS, "params",
			"params: expected an object (by name, not by position)");
	} else {
		json_t *empty = params ? NULL : json_object();

		start_call(conn, id, method, params ? params : empty);
		json_decref(empty);
	}
}

static const char *parse_error_text(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return "a member stands twice";
	case json_error_premature_end_of_input:
		return "it ends too early";
	case json_error_end_of_input_expected:
		return "more than one value";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a NUL character";
	case json_error_numeric_overflow:
		return "a number is too big";
	case json_error_stack_overflow:
		return "nested too deep";
	default:
		return "syntax";
	}
}

void rpc_line(struct rpc_conn *conn, const char *line, size_t length)
{
	json_error_t error;
	json_t *root;

	if (strspn(line, " \t\r\n") >= length)
		return;
	root = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root)
		refuse_line(conn, NULL, RPC_PARSE_ERROR, NULL, "not JSON: %s, near byte %d",
			parse_error_text(&error), error.position);
	else if (json_is_array(root))
		refuse_line(conn, NULL, RPC_INVALID_REQUEST, NULL,
			"batches are not supported: one request a line");
	else if (!json_is_object(root))
		refuse_line(conn, NULL, RPC_INVALID_REQUEST, NULL, "expected an object");
	else
		take_request(conn, root);
	json_decref(root);
	explicit_bzero(&error, sizeof(error)); // it quotes the line
}

static json_t *notification(const char *method, json_t *params)
{
	return json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params",
		params ? params : json_object());
}

static void notify(struct rpc_conn *conn, const json_t *object)
{
	if (!conn->doomed && conn->out.length > RPC_OUTPUT_MAX) {
		log_rare(LOG_WARNING,
			"api: a client does not read its events: its connection is closed");
		rpc_conn_doom(conn);
		return;
	}
	rpc_conn_send(conn, object);
}

void rpc_notify(struct rpc_conn *conn, const char *method, json_t *params)
{
	json_t *object = notification(method, params);

	if (object)
		notify(conn, object);
	json_decref(object);
}

void rpc_conn_subscribe(struct rpc_conn *conn, bool subscribed)
{
	conn->subscribed = subscribed;
}

void rpc_notify_all(struct rpc_server *server, const char *method, json_t *params)
{
	json_t *object = notification(method, params);
	struct rpc_conn *conn;

	TAILQ_FOREACH (conn, &server->conns, link) {
		if (object && conn->subscribed)
			notify(conn, object);
	}
	json_decref(object);
}
