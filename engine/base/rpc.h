// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC 2.0 over a unix socket, one object a line, both ends; runs on the thread of its event
// base.
#pragma once

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RPC_LINE_MAX (1u << 20) // a longer line gets an error and the connection is closed

// Error codes of JSON-RPC 2.0 (section 5.1) and ours.
enum {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602, // data.field names the field
	RPC_INTERNAL_ERROR = -32603,
	RPC_NOT_FOUND = -32001,
	RPC_IN_USE = -32002,
	RPC_LIMIT = -32003,
	RPC_REFUSED = -32004,
	RPC_UNAVAILABLE = -32005,
};

// ---- server

struct rpc_server;
struct rpc_conn; // one client's connection
struct rpc_call; // one request under way

// Handles one request. `params` is borrowed (an object; empty if the request had none). Returns a
// new reference, the result, or NULL after rpc_fail(), or RPC_LATER: the answer follows by
// rpc_reply() or rpc_reply_fail().
typedef json_t *(*rpc_handler)(void *user, struct rpc_call *call, json_t *params);
#define RPC_LATER ((json_t *)-1)

struct rpc_method {
	const char *name; // "session.add"
	rpc_handler handle;
};

// Listens on `path` (mode 0600; a stale socket is replaced, a live one is an error), takes only
// clients of the same user or root (SO_PEERCRED). `methods` ends with a NULL name and is borrowed.
// -errno in errno and NULL on failure.
struct rpc_server *rpc_server_new(
	struct event_base *base, const char *path, const struct rpc_method *methods, void *user);
// Serves the members of a group, too (a name or number; the caller must be one of them, or root).
// 0 or -errno: -ENOENT if there is no such group.
int rpc_server_allow_group(struct rpc_server *server, const char *group);
// Closes all connections and removes the socket. Not inside a handler.
void rpc_server_free(struct rpc_server *server);

// Serves a client whose connection was made by other means (a socket pair). Takes the file
// descriptor; NULL: it was closed.
struct rpc_conn *rpc_server_adopt(struct rpc_server *server, int fd);

// Called when a client has gone; NULL: nobody wants to know.
void rpc_server_on_close(
	struct rpc_server *server, void (*closed)(void *user, struct rpc_conn *conn));

// Says why the request fails. `field` (may be NULL) goes to error.data.field. Returns NULL, for
// `return rpc_fail(...)`.
json_t *rpc_fail(struct rpc_call *call, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// Adds a member to error.data of a call that has failed or is about to (call.place tells the SIP
// status there). Steals `value`.
void rpc_fail_data(struct rpc_call *call, const char *name, json_t *value);
// Whether rpc_fail() was called: tells a missing optional rpc_string() from a bad one. An error
// wins over a result that the handler returns all the same.
bool rpc_failed(const struct rpc_call *call);

// The connection of a call, to be kept for rpc_notify() until on_close tells that it has gone.
struct rpc_conn *rpc_call_conn(struct rpc_call *call);

// Late answers: `call` is valid from RPC_LATER until one of these; the client may have gone, then
// they only free it.
void rpc_reply(struct rpc_call *call, json_t *result);
void rpc_reply_fail(struct rpc_call *call, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// Sends a notification (a request without id). Steals `params`. A client that does not read loses
// the connection once RPC_LINE_MAX * 4 bytes wait. rpc_notify_all sends it to every connection for
// which `subscribed` was set.
void rpc_notify(struct rpc_conn *conn, const char *method, json_t *params);
void rpc_conn_subscribe(struct rpc_conn *conn, bool subscribed);
void rpc_notify_all(struct rpc_server *server, const char *method, json_t *params);

// ---- reading params. Each returns 0, or -1 after rpc_fail() with the field named. `fallback`: the
// value when the field is missing; RPC_REQUIRED makes a missing field an error. rpc_string returns
// NULL for a missing optional field too: ask rpc_failed().
#define RPC_REQUIRED NULL
const char *rpc_string(
	struct rpc_call *call, json_t *params, const char *field, size_t max, bool required);
int rpc_uint(struct rpc_call *call, json_t *params, const char *field, uint64_t max,
	const uint64_t *fallback, uint64_t *out);
int rpc_bool(
	struct rpc_call *call, json_t *params, const char *field, const bool *fallback, bool *out);
// Refuses fields that are not in `known` (ends with NULL), naming the first.
int rpc_known(struct rpc_call *call, json_t *params, const char *const known[]);
// Refuses any field.
int rpc_known_none(struct rpc_call *call, json_t *params);
// The name of a method or a field that a client made up, as an error may repeat it: "..." if it
// does not look like one, as it may be a key that came to stand in the wrong place.
const char *rpc_name_shown(const char *name);

// ---- client

struct rpc_client;

// `error` is NULL on success, else the error object (borrowed, with code, message, data); both
// NULL: the connection was lost.
typedef void (*rpc_result_cb)(void *arg, json_t *result, json_t *error);
typedef void (*rpc_event_cb)(void *user, const char *method, json_t *params);
typedef void (*rpc_state_cb)(void *user, bool connected);

// Connects to `path` and again with back-off (0.1 s to 5 s) whenever the connection is lost. All
// callbacks run on the base's thread.
struct rpc_client *rpc_client_new(struct event_base *base, const char *path, rpc_state_cb state,
	rpc_event_cb event, void *user);
void rpc_client_free(struct rpc_client *client); // pending calls get both NULL
bool rpc_client_connected(const struct rpc_client *client);
// Steals `params`. Not connected: `result` is called with both NULL before this returns.
void rpc_client_call(struct rpc_client *client, const char *method, json_t *params,
	rpc_result_cb result, void *arg);

// One blocking call, for command-line programs. Steals `params`. Returns the whole answer (a new
// reference: an object with `result` or `error`), or NULL with errno.
int rpc_connect(const char *path);
json_t *rpc_call_blocking(int fd, const char *method, json_t *params);
// The next line of the connection as an object, waiting for it: events. NULL with errno; 0: the
// end.
json_t *rpc_read_blocking(int fd);
