// SPDX-License-Identifier: BSD-3-Clause
// SIP over TLS connections (RFC 3261 section 18, RFC 5626 keep-alive): framing, limits, timeouts.
// Runs on the thread of the event base. Everything that arrives is hostile. The callbacks are
// called from the event loop, never from inside another function of this header but
// conn_listener_free(); all of these functions may be called from them. The first connection makes
// the process ignore SIGPIPE.
#pragma once

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "control/sip/msg.h"

#define CONN_HEADER_MAX (64 * 1024)	  // bytes up to the empty line
#define CONN_BODY_MAX	(4 * 1024 * 1024) // a profile of 5,000 entries and more

struct conn;
struct conn_listener;

struct conn_limits {		     // 0: the default
	unsigned connections;	     // at a time (10,000)
	unsigned connections_per_ip; // (1,000)
	unsigned accepts_per_ip_s;   // new connections a second (200, bursts of twice as many)
	unsigned messages_per_s; // a connection (5,000, bursts of twice as many): over it, reading
				 // pauses
	unsigned message_timeout_ms; // from the first to the last byte of a message, and of the TLS
				     // handshake (10,000)
	unsigned idle_timeout_s; // of a server's connection, without a message or keep-alive (0:
				 // never)
	unsigned keepalive_s;	 // a client asks for a sign of life (RFC 5626 section 4.4.1) when
				 // nothing has come for that long (0: never)
	size_t body_max;	 // (64 KiB; the side that gets profiles sets CONN_BODY_MAX)
	size_t output_max; // bytes waiting to be sent before the connection is given up (16 MiB);
			   // a server stops reading when 256 KiB wait
};

struct conn_callbacks {
	// A whole message that the parser took. Owned by the callee: msg_free(). `conn` may be
	// closed inside.
	void (*message)(void *user, struct conn *conn, struct msg *msg);
	// The TLS handshake is done; for a client: certificate, name or pin were verified. May be
	// NULL.
	void (*ready)(void *user, struct conn *conn);
	// The connection has gone or could not be made; `why` is one line. `conn` is freed after
	// this returns. Not called for conn_close().
	void (*closed)(void *user, struct conn *conn, const char *why);
};

// Accepts on `address`. NULL and errno on failure. `limits` may be NULL.
struct conn_listener *conn_listen(struct event_base *base, const struct sockaddr *address,
	socklen_t length, SSL_CTX *tls, const struct conn_limits *limits,
	const struct conn_callbacks *callbacks, void *user);
// Closes its connections too: closed() is called for those that have an owner.
void conn_listener_free(struct conn_listener *listener);
unsigned conn_listener_count(const struct conn_listener *listener); // of connections
// For the connections that come from now on.
void conn_listener_set_tls(struct conn_listener *listener, SSL_CTX *tls);
int conn_listener_address(const struct conn_listener *listener, struct sockaddr_storage *address);

// How a client verifies the server: by name against the context's trust store (RFC 5922), or by the
// certificate's fingerprint alone (x5t#S256 of RFC 8705, base64url). Exactly one is set.
struct conn_verify {
	const char *name;
	const char *fingerprint;
};
// NULL and errno if there cannot be an attempt at all; that it failed is told by closed().
struct conn *conn_connect(struct event_base *base, const struct sockaddr *address, socklen_t length,
	SSL_CTX *tls, const struct conn_verify *verify, const struct conn_limits *limits,
	const struct conn_callbacks *callbacks, void *user);

// Sends a copy of the message (with Content-Length set); before `ready` it waits. 0, or -ENOBUFS
// (closed() follows from the event loop), -ENOTCONN (after that), -EINVAL, -ENOMEM. Does not free
// msg.
int conn_send(struct conn *conn, struct msg *msg);
// Sends what waits, then closes; `conn` is invalid afterwards. conn_abort: at once.
void conn_close(struct conn *conn);
void conn_abort(struct conn *conn);

bool conn_is_ready(const struct conn *conn);
const char *conn_peer(const struct conn *conn); // "10.0.0.2:5061", for logs
const struct sockaddr *conn_peer_address(const struct conn *conn);
int conn_local_address(const struct conn *conn, struct sockaddr_storage *address);
const char *conn_fingerprint(
	const struct conn *conn); // of the peer's certificate, x5t#S256; NULL if it showed none
void conn_set_user(
	struct conn *conn, void *user);	  // the callbacks' user pointer of this connection alone
void *conn_data(const struct conn *conn); // a pointer of the owner's, NULL at first
void conn_set_data(struct conn *conn, void *data);

// Tells somebody other than the owner that a connection goes, in whatever way: `gone` is called
// once, before the owner's closed() and inside conn_close(), and must not call functions of this
// header.
struct conn_watch {
	LIST_ENTRY(conn_watch) entry;
	struct conn *conn; // NULL: not watching
	void (*gone)(struct conn_watch *watch, const char *why);
};
void conn_watch_add(struct conn *conn, struct conn_watch *watch);
void conn_watch_del(struct conn_watch *watch); // may be called again
