// SPDX-License-Identifier: BSD-3-Clause
// SIP over TLS connections: their life, their messages, what their owner asks of them. The event
// loop's thread.
#include "control/sip/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/sip/conn_private.h"

#define BACKLOG_MAX (256 * 1024) // bytes of answers waiting, then reading pauses

// Those that nobody owns any more, while they send what waits.
static LIST_HEAD(, conn) closing_conns = LIST_HEAD_INITIALIZER(closing_conns);

uint64_t conn_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void conn_set_timer(struct event *timer, unsigned ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	if (ms == 0)
		event_del(timer);
	else
		event_add(timer, &after);
}

struct conn_limits conn_limits_of(const struct conn_limits *limits)
{
	struct conn_limits all = limits != NULL ? *limits : (struct conn_limits){0};

	if (all.connections == 0)
		all.connections = 10000;
	if (all.connections_per_ip == 0)
		all.connections_per_ip = 1000;
	if (all.accepts_per_ip_s == 0)
		all.accepts_per_ip_s = 200;
	if (all.messages_per_s == 0)
		all.messages_per_s = 5000;
	if (all.message_timeout_ms == 0)
		all.message_timeout_ms = 10000;
	if (all.body_max == 0)
		all.body_max = 64 * 1024;
	if (all.output_max == 0)
		all.output_max = 16 * 1024 * 1024;
	return all;
}

static void write_peer(struct conn *conn)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&conn->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&conn->address;
	char text[INET6_ADDRSTRLEN] = "?";

	if (conn->address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(conn->peer, sizeof(conn->peer), "%s:%u", text, ntohs(v4->sin_port));
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		snprintf(conn->peer, sizeof(conn->peer), "[%s]:%u", text, ntohs(v6->sin6_port));
	}
}

// A peer that vanishes is noticed by TCP within about two minutes, sooner if something was sent.
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 60},
		{IPPROTO_TCP, TCP_KEEPINTVL, 15},
		{IPPROTO_TCP, TCP_KEEPCNT, 4},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, 30000},
	};

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof(options[i].value));
}

static void ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

struct conn *conn_new(struct event_base *base, int fd, const struct sockaddr *address,
	socklen_t length, SSL_CTX *tls, bool client, const struct conn_limits *limits,
	const struct conn_callbacks *callbacks, void *user)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL || length > sizeof(conn->address) || (conn->ssl = SSL_new(tls)) == NULL ||
		SSL_set_fd(conn->ssl, fd) != 1) {
		if (conn != NULL)
			SSL_free(conn->ssl);
		free(conn);
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	ignore_sigpipe();
	set_options(fd);
	SSL_set_mode(
		conn->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(client ? SSL_set_connect_state : SSL_set_accept_state)(conn->ssl);
	conn->base = base;
	conn->fd = fd;
	conn->client = client;
	conn->state = client ? CONN_CONNECTING : CONN_HANDSHAKE;
	conn->reading = true;
	conn->limits = *limits;
	conn->callbacks = *callbacks;
	conn->user = user;
	memcpy(&conn->address, address, length);
	write_peer(conn);
	LIST_INIT(&conn->watches);
	conn_io_start(conn);
	return conn;
}

static int set_verification(struct conn *conn, const struct conn_verify *verify)
{
	if ((verify->name == NULL) == (verify->fingerprint == NULL))
		return -EINVAL;
	return verify->name != NULL ? tls_verify_name(conn->ssl, verify->name)
				    : tls_verify_fingerprint(conn->ssl, verify->fingerprint);
}

struct conn *conn_connect(struct event_base *base, const struct sockaddr *address, socklen_t length,
	SSL_CTX *tls, const struct conn_verify *verify, const struct conn_limits *limits,
	const struct conn_callbacks *callbacks, void *user)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct conn_limits all = conn_limits_of(limits);
	struct conn *conn;

	if (fd < 0)
		return NULL;
	conn = conn_new(base, fd, address, length, tls, true, &all, callbacks, user);
	if (conn == NULL)
		return NULL;
	if (set_verification(conn, verify) != 0) {
		conn_abort(conn);
		errno = EINVAL;
		return NULL;
	}
	if (connect(fd, address, length) != 0 && errno != EINPROGRESS) {
		snprintf(conn->doom, sizeof(conn->doom), "%s", strerror(errno));
		conn_io_wake(conn);
	}
	return conn;
}

// ---- the end

void conn_enter(struct conn *conn)
{
	conn->depth++;
}

static void release(struct conn *conn)
{
	struct event *events[] = {&conn->io_read, &conn->io_write, &conn->deadline, &conn->idle,
		&conn->pause, &conn->stall};

	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		event_del(events[i]);
	if (conn->listener != NULL)
		conn_listener_forget(conn->listener, conn);
	else if (conn->closing)
		LIST_REMOVE(conn, entry);
	bytes_fini(&conn->in);
	bytes_fini(&conn->out);
	SSL_free(conn->ssl);
	close(conn->fd);
	free(conn);
}

void conn_leave(struct conn *conn)
{
	if (--conn->depth == 0 && conn->dead)
		release(conn);
}

static void tell_watches(struct conn *conn, const char *why)
{
	struct conn_watch *watch;

	while ((watch = LIST_FIRST(&conn->watches)) != NULL) {
		conn_watch_del(watch);
		watch->gone(watch, why);
	}
}

void conn_fail(struct conn *conn, const char *why)
{
	char line[128];

	if (conn->dead)
		return;
	conn_enter(conn);
	conn->dead = true;
	snprintf(line, sizeof(line), "%s", why); // it may be the connection's own
	if (!conn->closing) {
		tell_watches(conn, line);
		conn->callbacks.closed(conn->user, conn, line);
	}
	conn_leave(conn);
}

void conn_abort(struct conn *conn)
{
	if (conn->dead)
		return;
	conn_enter(conn);
	conn->dead = true;
	tell_watches(conn, "closed");
	conn_leave(conn);
}

void conn_close(struct conn *conn)
{
	if (conn->dead || conn->closing)
		return;
	if (conn->doom[0] != '\0' || (conn->state != CONN_READY && conn->out.length == 0)) {
		conn_abort(conn);
		return;
	}
	conn_enter(conn);
	conn->closing = true;
	if (conn->listener == NULL)
		LIST_INSERT_HEAD(&closing_conns, conn, entry);
	tell_watches(conn, "closed");
	event_del(&conn->idle);
	event_del(&conn->pause);
	if (conn->state == CONN_READY)
		conn_set_timer(&conn->deadline, conn->limits.message_timeout_ms);
	conn_io_wake(conn);
	conn_leave(conn);
}

// ---- messages

// A token of the connection's rate. False: reading pauses until there is one.
static bool may_take(struct conn *conn)
{
	unsigned wait_ms =
		source_bucket_take(&conn->rate, conn->limits.messages_per_s, conn_now_ms());

	if (wait_ms == 0)
		return true;
	conn->reading = false;
	event_del(&conn->io_read);
	conn_set_timer(&conn->pause, wait_ms < 10 ? 10 : wait_ms);
	return false;
}

static void give_message(struct conn *conn, size_t length)
{
	char error[128], why[160];
	struct msg *msg = msg_parse(bytes_first(&conn->in), length, error);

	bytes_drop(&conn->in, length);
	if (msg != NULL) {
		conn->callbacks.message(conn->user, conn, msg);
		return;
	}
	snprintf(why, sizeof(why), "not a SIP message: %s", error);
	conn_fail(conn, why);
}

// A sign of life.
static void heard(struct conn *conn)
{
	conn->pong_awaited = false;
	conn_set_timer(&conn->idle,
		1000 * (conn->client ? conn->limits.keepalive_s : conn->limits.idle_timeout_s));
}

// Clients alone send pings: two answers in a row would look like one to them.
static void answer_ping(struct conn *conn)
{
	if (!conn->client && bytes_add(&conn->out, "\r\n", 2) == 0)
		conn_io_wake(conn);
}

// Handles what the frame reader found. False: nothing more to be done now.
static bool take_one(struct conn *conn)
{
	struct frame before = conn->frame;
	const char *why = NULL;
	size_t used;
	enum frame_result result = frame_next(&conn->frame, bytes_first(&conn->in), conn->in.length,
		CONN_HEADER_MAX, conn->limits.body_max, &used, &why);

	if (result == FRAME_MORE)
		return false;
	if (result == FRAME_BAD) {
		conn_fail(conn, why);
		return false;
	}
	if (!may_take(conn)) {
		conn->frame = before;
		return false;
	}
	heard(conn);
	if (result == FRAME_WHOLE) {
		give_message(conn, used);
		return true;
	}
	bytes_drop(&conn->in, used);
	if (result == FRAME_PING)
		answer_ping(conn);
	return true;
}

bool conn_is_backlogged(const struct conn *conn)
{
	return !conn->client && !conn->closing && !conn->write_wants_read &&
	       conn->out.length > BACKLOG_MAX;
}

void conn_take_messages(struct conn *conn)
{
	bool taken = false;

	while (!conn->dead && !conn->closing && conn->in.length > 0 && !conn_is_backlogged(conn) &&
		take_one(conn))
		taken = true;
	if (conn->dead || conn->closing)
		return;
	// From the first byte of a message to its last
	if (conn->in.length == 0 || !conn->reading || conn_is_backlogged(conn))
		event_del(&conn->deadline);
	else if (taken || !event_pending(&conn->deadline, EV_TIMEOUT, NULL))
		conn_set_timer(&conn->deadline, conn->limits.message_timeout_ms);
}

int conn_send(struct conn *conn, struct msg *msg)
{
	size_t length;
	char *text;
	int result;

	if (conn->dead || conn->closing || conn->doom[0] != '\0')
		return -ENOTCONN;
	text = msg_text(msg, &length);
	if (text == NULL)
		return -EINVAL;
	if (conn->out.length + length > conn->limits.output_max) {
		snprintf(conn->doom, sizeof(conn->doom), "the peer does not read");
		result = -ENOBUFS;
	} else {
		result = bytes_add(&conn->out, text, length);
	}
	explicit_bzero(text, length);
	free(text);
	conn_io_wake(conn);
	return result;
}

// ---- what is known of it

bool conn_is_ready(const struct conn *conn)
{
	return conn->state == CONN_READY && !conn->dead && !conn->closing && conn->doom[0] == '\0';
}

const char *conn_peer(const struct conn *conn)
{
	return conn->peer;
}

const struct sockaddr *conn_peer_address(const struct conn *conn)
{
	return (const struct sockaddr *)&conn->address;
}

int conn_local_address(const struct conn *conn, struct sockaddr_storage *address)
{
	socklen_t length = sizeof(*address);

	return getsockname(conn->fd, (struct sockaddr *)address, &length) == 0 ? 0 : -errno;
}

const char *conn_fingerprint(const struct conn *conn)
{
	return conn->fingerprint[0] == '\0' ? NULL : conn->fingerprint;
}

void conn_set_user(struct conn *conn, void *user)
{
	conn->user = user;
}

void *conn_data(const struct conn *conn)
{
	return conn->data;
}

void conn_set_data(struct conn *conn, void *data)
{
	conn->data = data;
}

void conn_watch_add(struct conn *conn, struct conn_watch *watch)
{
	watch->conn = conn;
	LIST_INSERT_HEAD(&conn->watches, watch, entry);
}

void conn_watch_del(struct conn_watch *watch)
{
	if (watch->conn == NULL)
		return;
	LIST_REMOVE(watch, entry);
	watch->conn = NULL;
}
