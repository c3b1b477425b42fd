// SPDX-License-Identifier: BSD-3-Clause
// What conn.c, conn_io.c and conn_listen.c share: a connection, and the way it goes.
#pragma once

#include <event2/event_struct.h>

#include "control/sip/bytes.h"
#include "control/sip/conn.h"
#include "control/sip/frame.h"
#include "control/sip/source.h"
#include "control/sip/tls.h"

enum conn_state {
	CONN_CONNECTING, // TCP
	CONN_HANDSHAKE,
	CONN_READY,
	CONN_LINGER, // all is sent; until the peer closes too, so that nothing sent is lost
};

struct conn {
	LIST_ENTRY(conn) entry;		// of the listener, or of those that are closing
	struct conn_listener *listener; // NULL: a client's, or the listener has gone
	struct event_base *base;
	SSL *ssl;
	int fd;
	enum conn_state state;
	bool client;
	bool closing; // conn_close(): the owner is gone
	bool dead;    // waits for the last call to return
	bool reading; // not paused by the rate of messages
	bool write_wants_read, read_wants_write;
	bool pong_awaited;
	unsigned depth; // calls of this connection under way
	char doom[128]; // why it will be closed by the event loop; empty: it will not
	struct event io_read, io_write;
	struct event deadline; // of the handshake, of a message, of closing
	struct event idle;     // or, of a client, the next keep-alive
	struct event pause;    // of reading
	struct event stall;    // of writing
	struct bytes in, out;
	struct frame frame;
	struct source_bucket rate;
	struct conn_limits limits;
	struct conn_callbacks callbacks;
	void *user, *data;
	LIST_HEAD(, conn_watch) watches;
	struct sockaddr_storage address;
	char peer[64];
	char fingerprint[TLS_FINGERPRINT_MAX]; // empty if none
};

// conn.c

// A connection on a socket, which it owns from now on (also if it fails). NULL and errno.
struct conn *conn_new(struct event_base *base, int fd, const struct sockaddr *address,
	socklen_t length, SSL_CTX *tls, bool client, const struct conn_limits *limits,
	const struct conn_callbacks *callbacks, void *user);
// Ends it at once: watches and owner are told.
void conn_fail(struct conn *conn, const char *why);
// The defaults for what is 0.
struct conn_limits conn_limits_of(const struct conn_limits *limits);
void conn_enter(struct conn *conn);
// The connection may be freed by this.
void conn_leave(struct conn *conn);
void conn_set_timer(struct event *timer, unsigned ms); // 0: not
uint64_t conn_now_ms(void);
// The peer of a server's connection does not read its answers: no more of its requests are read
// until it does. A client reads on, or two that do not read would wait for each other.
bool conn_is_backlogged(const struct conn *conn);
// Takes the messages that have come in whole.
void conn_take_messages(struct conn *conn);

// conn_io.c

void conn_io_start(struct conn *conn);
// Does what can be done without waiting, and waits for the rest.
void conn_io_run(struct conn *conn);
// Writes what waits as soon as the event loop is back.
void conn_io_wake(struct conn *conn);

// conn_listen.c

void conn_listener_forget(struct conn_listener *listener, struct conn *conn);
