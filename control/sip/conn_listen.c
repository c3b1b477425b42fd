// SPDX-License-Identifier: BSD-3-Clause
// Accepts SIP over TLS connections, within limits. The event loop's thread.
#include "control/sip/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/sip/conn_private.h"
#include "engine/base/log.h"

#define BACKLOG	    1024
#define ACCEPTS_MAX 64	// in one go
#define NO_FILES_MS 100 // until the next attempt when there are no file descriptors

struct conn_listener {
	struct event_base *base;
	SSL_CTX *tls;
	int fd;
	unsigned n;
	struct event io, retry;
	struct source_table *sources;
	struct conn_limits limits;
	struct conn_callbacks callbacks;
	void *user;
	LIST_HEAD(, conn) conns;
};

static void accept_one(struct conn_listener *listener, int fd, struct sockaddr_storage *address)
{
	static struct log_limit refused;
	const char *why = listener->n < listener->limits.connections
				  ? source_add(listener->sources, address, conn_now_ms())
				  : "too many connections";
	struct conn *conn;

	if (why != NULL) {
		close(fd);
		log_limited(&refused, LOG_WARNING, "connection refused: %s", why);
		return;
	}
	conn = conn_new(listener->base, fd, (struct sockaddr *)address, sizeof(*address),
		listener->tls, false, &listener->limits, &listener->callbacks, listener->user);
	if (conn == NULL) {
		source_del(listener->sources, address);
		return;
	}
	conn->listener = listener;
	listener->n++;
	LIST_INSERT_HEAD(&listener->conns, conn, entry);
}

static void on_accept(evutil_socket_t listening, short what, void *arg)
{
	static struct log_limit failed;
	struct conn_listener *listener = arg;

	(void)listening, (void)what;
	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage address = {0};
		socklen_t length = sizeof(address);
		int fd = accept4(listener->fd, (struct sockaddr *)&address, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			accept_one(listener, fd, &address);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_limited(&failed, LOG_ERR, "accept: %s", strerror(errno));
			event_del(&listener->io);
			conn_set_timer(&listener->retry, NO_FILES_MS);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct conn_listener *listener = arg;

	(void)fd, (void)what;
	event_add(&listener->io, NULL);
}

static int open_socket(const struct sockaddr *address, socklen_t length)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address, length) != 0 || listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

struct conn_listener *conn_listen(struct event_base *base, const struct sockaddr *address,
	socklen_t length, SSL_CTX *tls, const struct conn_limits *limits,
	const struct conn_callbacks *callbacks, void *user)
{
	struct conn_listener *listener;
	int fd = open_socket(address, length);

	if (fd < 0)
		return NULL;
	listener = calloc(1, sizeof(*listener));
	if (listener != NULL) {
		listener->limits = conn_limits_of(limits);
		listener->sources = source_table_new(
			listener->limits.connections_per_ip, listener->limits.accepts_per_ip_s);
	}
	if (listener == NULL || listener->sources == NULL) {
		free(listener);
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	listener->base = base;
	listener->tls = tls;
	listener->fd = fd;
	listener->callbacks = *callbacks;
	listener->user = user;
	LIST_INIT(&listener->conns);
	event_assign(&listener->io, base, fd, EV_READ | EV_PERSIST, on_accept, listener);
	evtimer_assign(&listener->retry, base, on_retry, listener);
	event_add(&listener->io, NULL);
	return listener;
}

// What waits is sent as far as it can be now: the event loop may not run again.
static void end(struct conn *conn)
{
	conn_enter(conn);
	if (conn->state == CONN_READY && conn->doom[0] == '\0') {
		if (!conn->closing)
			conn->reading = false;
		conn_io_run(conn);
		if (!conn->dead)
			SSL_shutdown(conn->ssl);
	}
	conn_fail(conn, "the listener was closed");
	conn->listener = NULL;
	conn->closing = false;
	conn_leave(conn);
}

void conn_listener_free(struct conn_listener *listener)
{
	struct conn *conn;

	if (listener == NULL)
		return;
	event_del(&listener->io);
	event_del(&listener->retry);
	while ((conn = LIST_FIRST(&listener->conns)) != NULL) {
		LIST_REMOVE(conn, entry);
		end(conn);
	}
	source_table_free(listener->sources);
	close(listener->fd);
	free(listener);
}

void conn_listener_forget(struct conn_listener *listener, struct conn *conn)
{
	source_del(listener->sources, &conn->address);
	listener->n--;
	LIST_REMOVE(conn, entry);
}

unsigned conn_listener_count(const struct conn_listener *listener)
{
	return listener->n;
}

void conn_listener_set_tls(struct conn_listener *listener, SSL_CTX *tls)
{
	listener->tls = tls;
}

int conn_listener_address(const struct conn_listener *listener, struct sockaddr_storage *address)
{
	socklen_t length = sizeof(*address);

	return getsockname(listener->fd, (struct sockaddr *)address, &length) == 0 ? 0 : -errno;
}
