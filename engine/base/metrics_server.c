// SPDX-License-Identifier: BSD-3-Clause
// The HTTP server of the metrics: one request a connection, a few connections at a time, each for a
// few seconds. The thread of the event base. Everything that arrives is hostile.
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/base/rpc_socket.h"

#define BACKLOG	 16
#define RETRY_US 200000

struct metrics_conn {
	TAILQ_ENTRY(metrics_conn) link;
	struct metrics_server *server;
	struct bufferevent *io;
	struct event *deadline;
	bool answered;
};

struct metrics_server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *retry; // accepts again after an error
	char *path;	     // of the unix socket; NULL: TCP
	dev_t dev;
	ino_t ino;
	TAILQ_HEAD(, metrics_conn) conns; // the oldest first
	unsigned n;
	void (*write)(void *user, struct metrics *metrics);
	void *user;
};

// ---- a connection

static void conn_free(struct metrics_conn *conn)
{
	TAILQ_REMOVE(&conn->server->conns, conn, link);
	conn->server->n--;
	if (conn->deadline)
		event_free(conn->deadline);
	if (conn->io)
		bufferevent_free(conn->io);
	free(conn);
}

static void answer(struct metrics_conn *conn, const char *status, bool body)
{
	struct evbuffer *out = bufferevent_get_output(conn->io), *text = evbuffer_new();
	struct metrics metrics = {.out = text};

	conn->answered = true;
	bufferevent_disable(conn->io, EV_READ);
	if (!text) {
		conn_free(conn);
		return;
	}
	if (strncmp(status, "200", 3) == 0)
		conn->server->write(conn->server->user, &metrics);
	else
		evbuffer_add_printf(text, "%s\n", status);
	evbuffer_add_printf(out,
		"HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n%s\r\n",
		status, evbuffer_get_length(text),
		strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n" : "");
	if (body)
		evbuffer_add_buffer(out, text);
	evbuffer_free(text);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

// `line` is the request line.
static void judge(struct metrics_conn *conn, const char *line)
{
	bool head = begins(line, "HEAD ");
	const char *path = line + (head ? 5 : 4);

	if (!head && !begins(line, "GET ")) {
		answer(conn, "405 Method Not Allowed", true);
	} else if (!begins(path, "/metrics") || !strchr(" ?", path[8]) || !path[8]) {
		answer(conn, "404 Not Found", !head);
	} else {
		answer(conn, "200 OK", !head);
	}
}

static void on_input(struct bufferevent *io, void *arg)
{
	struct metrics_conn *conn = arg;
	struct evbuffer *in = bufferevent_get_input(io);
	size_t length;
	char *line;

	if (conn->answered)
		return;
	if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos < 0) {
		if (evbuffer_get_length(in) >= METRICS_REQUEST_MAX)
			answer(conn, "431 Request Header Fields Too Large", true);
		return;
	}
	line = evbuffer_readln(in, &length, EVBUFFER_EOL_CRLF_STRICT);
	if (line)
		judge(conn, line);
	else
		conn_free(conn);
	free(line);
}

// All has been sent.
static void on_sent(struct bufferevent *io, void *arg)
{
	struct metrics_conn *conn = arg;

	(void)io;
	if (conn->answered)
		conn_free(conn);
}

static void on_event(struct bufferevent *io, short what, void *arg)
{
	(void)io;
	(void)what;
	conn_free(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_free(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int length, void *arg)
{
	const struct timeval deadline = {.tv_sec = METRICS_SECONDS};
	struct metrics_server *server = arg;
	struct metrics_conn *conn = calloc(1, sizeof(*conn));

	(void)listener;
	(void)address;
	(void)length;
	if (!conn) {
		close(fd);
		return;
	}
	if (server->n == METRICS_CONNS_MAX)
		conn_free(TAILQ_FIRST(&server->conns));
	conn->server = server;
	TAILQ_INSERT_TAIL(&server->conns, conn, link);
	server->n++;
	conn->io = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!conn->io)
		close(fd);
	conn->deadline = event_new(server->base, -1, 0, on_deadline, conn);
	if (!conn->io || !conn->deadline || event_add(conn->deadline, &deadline) != 0) {
		conn_free(conn);
		return;
	}
	bufferevent_setwatermark(conn->io, EV_READ, 0, METRICS_REQUEST_MAX);
	bufferevent_setcb(conn->io, on_input, on_sent, on_event, conn);
	bufferevent_enable(conn->io, EV_READ | EV_WRITE);
}

// Out of file descriptors, most likely: waits, instead of turning in circles.
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	const struct timeval delay = {.tv_usec = RETRY_US};
	static struct log_limit limit;
	struct metrics_server *server = arg;

	log_limited(&limit, LOG_ERR, "metrics: accept: %s", strerror(errno));
	evconnlistener_disable(listener);
	event_add(server->retry, &delay);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_server *server = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(server->listener);
}

// ---- the listener

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	return address->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int listen_tcp(const char *text, bool anywhere, char *error)
{
	struct sockaddr_storage address = {0};
	int length = sizeof(address), fd, on = 1;
	const char *colon = strrchr(text, ':');

	if (!colon || !colon[1] ||
		evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &length) != 0) {
		snprintf(error, METRICS_ERROR_MAX,
			"metrics: expected IP:PORT or the path of a socket, got '%.80s'", text);
		return -1;
	}
	if (!anywhere && !is_loopback(&address)) {
		snprintf(error, METRICS_ERROR_MAX,
			"metrics: %.80s is not a loopback address: metrics-anywhere allows it",
			text);
		return -1;
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(fd, (struct sockaddr *)&address, (socklen_t)length) == 0)
		return fd;
	snprintf(error, METRICS_ERROR_MAX, "metrics: %.80s: %s", text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int listen_unix(struct metrics_server *server, const char *path, char *error)
{
	int fd = rpc_socket_listen(path, &server->dev, &server->ino);

	server->path = fd >= 0 ? strdup(path) : NULL;
	if (fd < 0)
		snprintf(error, METRICS_ERROR_MAX, "metrics: %.100s: %s", path, strerror(errno));
	return fd;
}

struct metrics_server *metrics_server_new(struct event_base *base, const char *address,
	bool anywhere, void (*write)(void *user, struct metrics *metrics), void *user, char *error)
{
	struct metrics_server *server = calloc(1, sizeof(*server));
	int fd;

	signal(SIGPIPE, SIG_IGN); // a client may go before it has read
	snprintf(error, METRICS_ERROR_MAX, "metrics: out of memory");
	if (!server)
		return NULL;
	server->base = base;
	server->write = write;
	server->user = user;
	TAILQ_INIT(&server->conns);
	fd = address[0] == '/' ? listen_unix(server, address, error)
			       : listen_tcp(address, anywhere, error);
	server->retry = event_new(base, -1, 0, on_retry, server);
	if (fd >= 0 && server->retry)
		server->listener = evconnlistener_new(base, on_accept, server,
			LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (fd >= 0 && !server->listener)
		close(fd);
	if (!server->listener) {
		metrics_server_free(server);
		return NULL;
	}
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	return server;
}

void metrics_server_free(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->listener)
		evconnlistener_free(server->listener);
	if (server->retry)
		event_free(server->retry);
	while (!TAILQ_EMPTY(&server->conns))
		conn_free(TAILQ_FIRST(&server->conns));
	if (server->path)
		rpc_socket_remove(server->path, server->dev, server->ino);
	free(server->path);
	free(server);
}
