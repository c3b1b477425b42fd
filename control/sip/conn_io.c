// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a connection: TCP connect, TLS handshake, reading, writing, closing. The event
// loop's thread.
//
// On libevent's events and OpenSSL directly, not on its bufferevent_openssl: that one leaves the
// rest of a record in OpenSSL's buffer when reading pauses and goes on, and keeps plaintext
// unwiped.
#include "control/sip/conn_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#define RECORD_BYTES 16384
#define RUN_RECORDS  16 // read in one go, so that one connection does not hold up the others
#define STALL_MS     30000
#define LINGER_MS    3000
#define PONG_MS	     10000
#define KEEP_ALIVE   "\r\n\r\n"

static void wait_for(struct conn *conn, struct event *event, bool wanted)
{
	if (!wanted)
		event_del(event);
	else if (!event_pending(event, EV_READ | EV_WRITE, NULL) && event_add(event, NULL) != 0)
		snprintf(conn->doom, sizeof(conn->doom), "out of memory");
}

void conn_io_wake(struct conn *conn)
{
	if (conn->state == CONN_READY || conn->doom[0] != '\0')
		event_active(&conn->io_write, EV_WRITE, 0);
}

static void fail_tls(struct conn *conn)
{
	char why[128];

	tls_error(conn->ssl, why, sizeof(why));
	conn_fail(conn, why);
}

static bool connected(struct conn *conn)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		error = errno;
	if (error == 0) {
		conn->state = CONN_HANDSHAKE;
		return true;
	}
	conn_fail(conn, strerror(error));
	return false;
}

// A client has verified the server in the handshake, this is looked at once more; whom a server
// talks to is told by the fingerprint.
static void become_ready(struct conn *conn)
{
	conn->state = CONN_READY;
	conn_set_timer(&conn->deadline, 0);
	conn_set_timer(&conn->idle,
		1000 * (conn->client ? conn->limits.keepalive_s : conn->limits.idle_timeout_s));
	if (tls_peer_fingerprint(conn->ssl, conn->fingerprint) != 0)
		conn->fingerprint[0] = '\0';
	if (conn->client &&
		(conn->fingerprint[0] == '\0' || SSL_get_verify_result(conn->ssl) != X509_V_OK)) {
		conn_fail(conn, "the server was not verified");
		return;
	}
	if (conn->closing)
		conn_set_timer(&conn->deadline, conn->limits.message_timeout_ms);
	else if (conn->callbacks.ready != NULL)
		conn->callbacks.ready(conn->user, conn);
}

static void handshake(struct conn *conn)
{
	int result, error;

	ERR_clear_error();
	result = SSL_do_handshake(conn->ssl);
	if (result == 1) {
		become_ready(conn);
		return;
	}
	error = SSL_get_error(conn->ssl, result);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		fail_tls(conn);
		return;
	}
	wait_for(conn, &conn->io_read, true);
	wait_for(conn, &conn->io_write, error == SSL_ERROR_WANT_WRITE);
}

// What SSL_read or SSL_write could not do. True if it is to be waited for.
static bool must_wait(struct conn *conn, int result, bool *other_way, int other_want)
{
	int error = SSL_get_error(conn->ssl, result), number = errno;
	char why[128];

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		*other_way = error == other_want;
		return true;
	}
	if (error == SSL_ERROR_ZERO_RETURN)
		conn_fail(conn, "the peer closed the connection");
	else if (error == SSL_ERROR_SYSCALL && number != 0)
		conn_fail(conn, strerror(number));
	else if (error == SSL_ERROR_SYSCALL ||
		 ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		conn_fail(conn, "the connection was cut");
	else {
		tls_error(conn->ssl, why, sizeof(why));
		conn_fail(conn, why);
	}
	ERR_clear_error();
	return false;
}

static bool may_read(const struct conn *conn)
{
	return conn->reading && !conn_is_backlogged(conn);
}

// Reads until there is nothing more, and gives on what is whole.
static void read_all(struct conn *conn)
{
	for (unsigned i = 0; i < RUN_RECORDS && may_read(conn) && !conn->dead; i++) {
		char *room = bytes_reserve(&conn->in, RECORD_BYTES);
		int got;

		if (room == NULL) {
			conn_fail(conn, "out of memory");
			return;
		}
		ERR_clear_error();
		errno = 0;
		got = SSL_read(conn->ssl, room, RECORD_BYTES);
		if (got <= 0) {
			if (conn->in.length == 0)
				bytes_fini(&conn->in);
			must_wait(conn, got, &conn->read_wants_write, SSL_ERROR_WANT_WRITE);
			return;
		}
		conn->read_wants_write = false;
		if (conn->closing) { // nobody is there to read it
			explicit_bzero(room, (size_t)got);
			continue;
		}
		conn->in.length += (size_t)got;
		conn_take_messages(conn);
	}
	if (may_read(conn) && !conn->dead)
		event_active(&conn->io_read, EV_READ, 0); // the rest may be in OpenSSL already
}

static void write_all(struct conn *conn)
{
	while (conn->out.length > 0) {
		size_t length = conn->out.length < RECORD_BYTES ? conn->out.length : RECORD_BYTES;
		int put;

		ERR_clear_error();
		errno = 0;
		put = SSL_write(conn->ssl, bytes_first(&conn->out), (int)length);
		if (put <= 0) {
			must_wait(conn, put, &conn->write_wants_read, SSL_ERROR_WANT_READ);
			return;
		}
		conn->write_wants_read = false;
		bytes_drop(&conn->out, (size_t)put);
		conn_set_timer(&conn->stall, conn->out.length > 0 ? STALL_MS : 0);
	}
}

// The last of a connection that was closed: TLS's close_notify, TCP's FIN, and then the peer's. If
// it were closed with bytes unread, TCP would reset it and the peer lose what is on its way.
static void linger(struct conn *conn)
{
	char rest[4096];
	ssize_t got;

	if (conn->state == CONN_READY) {
		ERR_clear_error();
		SSL_shutdown(conn->ssl);
		ERR_clear_error();
		shutdown(conn->fd, SHUT_WR);
		conn->state = CONN_LINGER;
		conn_set_timer(&conn->deadline, LINGER_MS);
	}
	do
		got = recv(conn->fd, rest, sizeof(rest), MSG_DONTWAIT);
	while (got > 0);
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		conn_fail(conn, "closed");
	else
		wait_for(conn, &conn->io_read, true);
}

static void transfer(struct conn *conn)
{
	bool was_backlogged;

	if (!conn->closing || conn->write_wants_read)
		read_all(conn);
	was_backlogged = conn_is_backlogged(conn);
	if (!conn->dead)
		write_all(conn);
	if (!conn->dead && was_backlogged && may_read(conn)) {
		conn_take_messages(conn); // those that waited
		event_active(&conn->io_read, EV_READ, 0);
	}
	if (conn->dead)
		return;
	if (conn->closing && conn->out.length == 0) {
		event_del(&conn->io_write);
		linger(conn);
		return;
	}
	if (conn->out.length > 0 && !event_pending(&conn->stall, EV_TIMEOUT, NULL))
		conn_set_timer(&conn->stall, STALL_MS);
	wait_for(conn, &conn->io_read, may_read(conn) || conn->write_wants_read);
	wait_for(conn, &conn->io_write,
		(conn->out.length > 0 && !conn->write_wants_read) || conn->read_wants_write);
}

void conn_io_run(struct conn *conn)
{
	conn_enter(conn);
	if (conn->doom[0] != '\0')
		conn_fail(conn, conn->doom);
	else if (conn->state == CONN_LINGER)
		linger(conn);
	else if (conn->state != CONN_CONNECTING || connected(conn)) {
		if (conn->state == CONN_HANDSHAKE)
			handshake(conn);
		if (!conn->dead && conn->state == CONN_READY)
			transfer(conn);
	}
	conn_leave(conn);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	conn_io_run(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd, (void)what;
	conn_enter(conn);
	if (conn->state == CONN_CONNECTING)
		conn_fail(conn, "no answer to the connection attempt");
	else if (conn->state == CONN_HANDSHAKE)
		conn_fail(conn, "the TLS handshake took too long");
	else
		conn_fail(conn, "a message took too long");
	conn_leave(conn);
}

static void on_stall(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd, (void)what;
	conn_enter(conn);
	conn_fail(conn, "the peer does not read");
	conn_leave(conn);
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd, (void)what;
	conn_enter(conn);
	conn->reading = true;
	conn_take_messages(conn);
	if (!conn->dead)
		conn_io_run(conn);
	conn_leave(conn);
}

// Servers give up who is silent; clients ask for a sign of life (RFC 5626 section 4.4.1).
static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd, (void)what;
	conn_enter(conn);
	if (!conn->client)
		conn_fail(conn, "no message for too long");
	else if (conn->pong_awaited)
		conn_fail(conn, "no answer to a keep-alive");
	else if (bytes_add(&conn->out, KEEP_ALIVE, strlen(KEEP_ALIVE)) == 0) {
		conn->pong_awaited = true;
		conn_set_timer(&conn->idle, PONG_MS);
		conn_io_wake(conn);
	}
	conn_leave(conn);
}

void conn_io_start(struct conn *conn)
{
	event_assign(&conn->io_read, conn->base, conn->fd, EV_READ | EV_PERSIST, on_io, conn);
	event_assign(&conn->io_write, conn->base, conn->fd, EV_WRITE | EV_PERSIST, on_io, conn);
	evtimer_assign(&conn->deadline, conn->base, on_deadline, conn);
	evtimer_assign(&conn->idle, conn->base, on_idle, conn);
	evtimer_assign(&conn->pause, conn->base, on_pause, conn);
	evtimer_assign(&conn->stall, conn->base, on_stall, conn);
	conn_set_timer(&conn->deadline, conn->limits.message_timeout_ms);
	wait_for(conn, conn->client ? &conn->io_write : &conn->io_read, true);
}
