// SPDX-License-Identifier: BSD-3-Clause
// What the files of the server side share: a connection (rpc_server.c) and its calls (rpc.c).
#pragma once

#include <event2/listener.h>
#include <sys/queue.h>

#include "engine/base/rpc.h"
#include "engine/base/rpc_buffer.h"

#define RPC_CONNS_MAX	256
#define RPC_CALLS_MAX	256		   // unanswered on a connection; then it is not read
#define RPC_OUTPUT_STOP RPC_LINE_MAX	   // bytes waiting to be sent; then it is not read
#define RPC_OUTPUT_MAX	(RPC_LINE_MAX * 4) // then a subscriber is dropped

TAILQ_HEAD(rpc_conns, rpc_conn);
TAILQ_HEAD(rpc_calls, rpc_call);

struct rpc_server {
	struct event_base *base;
	const struct rpc_method *methods;
	void *user;
	void (*closed)(void *user, struct rpc_conn *conn);
	struct rpc_conns conns;
	unsigned n_conns;

	char *path;
	dev_t socket_dev; // of the socket file, so that no other's is removed
	ino_t socket_ino;
	gid_t group; // whose members are served, too; 0: none
	struct evconnlistener *listener;
	struct event *retry; // accepts again after an error
};

struct rpc_conn {
	TAILQ_ENTRY(rpc_conn) link;
	struct rpc_server *server;
	int fd;
	struct event *readable, *writable;
	struct event *closing; // closes on the loop, never inside a handler
	struct rpc_buffer in, out;
	size_t scanned; // bytes of `in` that hold no line end
	struct rpc_calls calls;
	unsigned n_calls;
	bool subscribed;
	bool paused;   // not read: too much is unanswered
	bool skipping; // the rest of a line that is too long
	bool ended;    // the client has shut its side down
	bool doomed;   // nothing is sent any more
};

struct rpc_call {
	TAILQ_ENTRY(rpc_call) link;
	struct rpc_conn *conn; // NULL: the client has gone
	json_t *id;	       // NULL: a notification
	json_t *error;
	json_t *data; // for error.data
	json_t *result;
	bool handling; // its handler has not returned
	bool replied;  // by rpc_reply() meanwhile
};

// Makes jansson wipe what it frees. Any number of times.
void rpc_init(void);

// rpc.c: answers one line.
void rpc_line(struct rpc_conn *conn, const char *line, size_t length);
void rpc_line_too_long(struct rpc_conn *conn);
// The client has gone: its calls stay with their owners.
void rpc_calls_orphan(struct rpc_conn *conn);

// rpc_server.c: one that does not listen, for tests.
struct rpc_server *rpc_server_bare(
	struct event_base *base, const struct rpc_method *methods, void *user);
// Sends a copy of the object as a line.
void rpc_conn_send(struct rpc_conn *conn, const json_t *object);
void rpc_conn_doom(struct rpc_conn *conn);
// Something was answered: goes on reading.
void rpc_conn_resume(struct rpc_conn *conn);
