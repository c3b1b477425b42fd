// SPDX-License-Identifier: BSD-3-Clause
// The server's connections: accepts, cuts the input into lines, sends what waits, all of it
// bounded; thread of the event base.
#include "engine/base/rpc_private.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/rpc_socket.h"

#define READ_BYTES   65536
#define SKIP_SECONDS 10 // for the end of a line that is too long
#define RETRY_US     200000
#define NGROUPS_IN   1024 // of a client, looked through

static void conn_free(struct rpc_conn *conn)
{
	struct rpc_server *server = conn->server;

	TAILQ_REMOVE(&server->conns, conn, link);
	server->n_conns--;
	if (server->closed)
		server->closed(server->user, conn);
	rpc_calls_orphan(conn);
	if (conn->readable)
		event_free(conn->readable);
	if (conn->writable)
		event_free(conn->writable);
	if (conn->closing)
		event_free(conn->closing);
	rpc_buffer_free(&conn->in);
	rpc_buffer_free(&conn->out);
	close(conn->fd);
	free(conn);
}

static void on_closing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_free(arg);
}

void rpc_conn_doom(struct rpc_conn *conn)
{
	if (conn->doomed)
		return;
	conn->doomed = true;
	event_del(conn->readable);
	event_del(conn->writable);
	event_active(conn->closing, EV_TIMEOUT, 0);
}

static int append_cb(const char *data, size_t size, void *arg)
{
	return rpc_buffer_append(arg, data, size) ? 0 : -1;
}

void rpc_conn_send(struct rpc_conn *conn, const json_t *object)
{
	if (conn->doomed)
		return;
	if (json_dump_callback(
		    object, append_cb, &conn->out, JSON_COMPACT | JSON_REAL_PRECISION(9)) < 0 ||
		!rpc_buffer_append(&conn->out, "\n", 1)) {
		rpc_conn_doom(conn); // half an answer is none
		return;
	}
	event_add(conn->writable, NULL);
}

// Closes once the client has ended and has got everything it can still get.
static void close_if_done(struct rpc_conn *conn)
{
	if (conn->doomed || !conn->ended || conn->paused || conn->out.length)
		return;
	if (conn->n_calls || conn->subscribed)
		return;
	rpc_conn_doom(conn);
}

static bool is_full(const struct rpc_conn *conn)
{
	return conn->out.length > RPC_OUTPUT_STOP || conn->n_calls >= RPC_CALLS_MAX;
}

// Throws away up to the end of the line that is too long; the answer is sent before the connection
// is closed.
static void skip_line(struct rpc_conn *conn)
{
	char *end = memchr(rpc_buffer_head(&conn->in), '\n', conn->in.length);

	rpc_buffer_consume(&conn->in, conn->in.length);
	if (!end)
		return;
	conn->ended = true;
	event_del(conn->readable);
	close_if_done(conn);
}

static void refuse_long_line(struct rpc_conn *conn)
{
	struct timeval limit = {.tv_sec = SKIP_SECONDS};

	conn->skipping = true;
	conn->scanned = 0;
	rpc_line_too_long(conn);
	event_add(conn->closing, &limit);
	skip_line(conn);
}

// Handles the whole lines that have come, until too much is unanswered.
static void take_lines(struct rpc_conn *conn)
{
	while (!conn->doomed && !conn->skipping && conn->in.length) {
		char *line = rpc_buffer_head(&conn->in);
		char *end = memchr(line + conn->scanned, '\n', conn->in.length - conn->scanned);
		size_t length = end ? (size_t)(end - line) : conn->in.length;

		if (is_full(conn)) {
			conn->paused = true;
			event_del(conn->readable);
			return;
		}
		if (length > RPC_LINE_MAX) {
			refuse_long_line(conn);
			return;
		}
		if (!end && !conn->ended) {
			conn->scanned = length;
			return;
		}
		rpc_line(conn, line, length);
		rpc_buffer_consume(&conn->in, length + (end ? 1 : 0));
		conn->scanned = 0;
	}
}

static void on_end(struct rpc_conn *conn)
{
	struct pollfd state = {.fd = conn->fd};

	// Both sides shut: nobody is left to answer
	if (poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR))) {
		rpc_conn_doom(conn);
		return;
	}
	conn->ended = true;
	take_lines(conn); // what came without a line end
	close_if_done(conn);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_conn *conn = arg;

	(void)what;
	ssize_t n = rpc_buffer_recv(&conn->in, fd, READ_BYTES);
	if (n < 0) {
		if (errno != EAGAIN)
			rpc_conn_doom(conn);
	} else if (n == 0) {
		on_end(conn);
	} else if (conn->skipping) {
		skip_line(conn);
	}
	take_lines(conn);
	// Edge-triggered: what is left in the socket makes no new edge
	if (n > 0 && !conn->paused && !conn->ended && !conn->doomed)
		event_active(conn->readable, EV_READ, 0);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_conn *conn = arg;

	(void)what;
	ssize_t n = rpc_buffer_send(&conn->out, fd);
	if (n < 0 && errno != EAGAIN) {
		rpc_conn_doom(conn);
		return;
	}
	if (conn->out.length)
		event_add(conn->writable, NULL);
	rpc_conn_resume(conn);
}

void rpc_conn_resume(struct rpc_conn *conn)
{
	if (conn->doomed)
		return;
	if (conn->paused && !is_full(conn)) {
		conn->paused = false;
		event_add(conn->readable, NULL);
		event_active(conn->readable, EV_READ, 0);
	}
	close_if_done(conn);
}

struct rpc_conn *rpc_server_adopt(struct rpc_server *server, int fd)
{
	struct rpc_conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		close(fd);
		return NULL;
	}
	conn->server = server;
	conn->fd = fd;
	TAILQ_INIT(&conn->calls);
	TAILQ_INSERT_TAIL(&server->conns, conn, link);
	server->n_conns++;
	// Edge-triggered, so that a client that has shut one side down costs nothing, yet is
	// noticed when it shuts the other
	conn->readable =
		event_new(server->base, fd, EV_READ | EV_PERSIST | EV_ET, on_readable, conn);
	conn->writable = event_new(server->base, fd, EV_WRITE | EV_ET, on_writable, conn);
	conn->closing = event_new(server->base, -1, 0, on_closing, conn);
	if (!conn->readable || !conn->writable || !conn->closing ||
		event_add(conn->readable, NULL) < 0) {
		conn_free(conn);
		return NULL;
	}
	return conn;
}

static bool is_member(int fd, const struct ucred *peer, gid_t group)
{
	gid_t groups[NGROUPS_IN];
	socklen_t size = sizeof(groups);

	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static bool is_allowed(const struct rpc_server *server, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid() ||
	       (server->group != 0 && is_member(fd, &peer, server->group));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int length, void *arg)
{
	static struct log_limit refused, full;
	struct rpc_server *server = arg;

	(void)listener;
	(void)address;
	(void)length;
	if (!is_allowed(server, fd)) {
		log_limited(&refused, LOG_WARNING, "api: refused a client of another user");
		close(fd);
	} else if (server->n_conns >= RPC_CONNS_MAX) {
		log_limited(&full, LOG_WARNING, "api: more than %d clients", RPC_CONNS_MAX);
		close(fd);
	} else {
		rpc_server_adopt(server, fd);
	}
}

// Out of file descriptors, most likely: waits, instead of turning in circles.
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	static struct log_limit limit;
	struct rpc_server *server = arg;
	struct timeval delay = {.tv_usec = RETRY_US};

	log_limited(&limit, LOG_ERR, "api: accept: %s", strerror(errno));
	evconnlistener_disable(listener);
	event_add(server->retry, &delay);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_server *server = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(server->listener);
}

struct rpc_server *rpc_server_bare(
	struct event_base *base, const struct rpc_method *methods, void *user)
{
	struct rpc_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	rpc_init();
	server->base = base;
	server->methods = methods;
	server->user = user;
	TAILQ_INIT(&server->conns);
	return server;
}

static int start_listening(struct rpc_server *server, const char *path)
{
	int fd = rpc_socket_listen(path, &server->socket_dev, &server->socket_ino);

	if (fd < 0)
		return -1;
	server->path = strdup(path);
	server->retry = event_new(server->base, -1, 0, on_retry, server);
	server->listener = evconnlistener_new(server->base, on_accept, server,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!server->listener)
		close(fd);
	if (!server->listener || !server->path || !server->retry) {
		errno = ENOMEM;
		return -1;
	}
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	return 0;
}

struct rpc_server *rpc_server_new(
	struct event_base *base, const char *path, const struct rpc_method *methods, void *user)
{
	struct rpc_server *server = rpc_server_bare(base, methods, user);

	if (!server || start_listening(server, path) == 0)
		return server;
	int saved = errno;
	rpc_server_free(server);
	errno = saved;
	return NULL;
}

// 0: no such group, or root's, which needs no permission.
static gid_t find_group(const char *name)
{
	const struct group *group = getgrnam(name);
	unsigned long number;
	char *end;

	if (group)
		return group->gr_gid;
	number = strtoul(name, &end, 10);
	return name[0] >= '0' && name[0] <= '9' && *end == '\0' && number < UINT32_MAX
		       ? (gid_t)number
		       : 0;
}

int rpc_server_allow_group(struct rpc_server *server, const char *name)
{
	gid_t group = find_group(name);

	if (group == 0)
		return -ENOENT;
	// In this order: never open to a group that is not meant
	if (chown(server->path, (uid_t)-1, group) < 0 || chmod(server->path, 0660) < 0)
		return -errno;
	server->group = group;
	return 0;
}

void rpc_server_free(struct rpc_server *server)
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
		rpc_socket_remove(server->path, server->socket_dev, server->socket_ino);
	free(server->path);
	free(server);
}

void rpc_server_on_close(
	struct rpc_server *server, void (*closed)(void *user, struct rpc_conn *conn))
{
	server->closed = closed;
}
