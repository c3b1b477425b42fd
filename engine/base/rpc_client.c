// SPDX-License-Identifier: BSD-3-Clause
// The client's end: a connection that comes back by itself, for programs with an event loop; thread
// of the event base.
#include "engine/base/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/rpc_buffer.h"
#include "engine/base/rpc_private.h"
#include "engine/base/rpc_socket.h"

#define READ_BYTES  65536
#define ANSWER_MAX  (RPC_LINE_MAX * 64u) // bytes of an answer
#define BACKOFF_MIN 100			 // ms
#define BACKOFF_MAX 5000

struct request {
	TAILQ_ENTRY(request) link;
	json_int_t id;
	rpc_result_cb result;
	void *arg;
};
TAILQ_HEAD(requests, request);

struct rpc_client {
	struct event_base *base;
	char *path;
	rpc_state_cb state;
	rpc_event_cb event;
	void *user;
	int fd; // -1: not connected
	struct event *readable, *writable, *timer;
	unsigned backoff_ms;
	struct rpc_buffer in, out;
	size_t scanned;
	json_int_t last_id;
	struct requests requests; // unanswered, oldest first
	unsigned busy;		  // callbacks under way
	bool freed;		  // inside one of them
};

// Connects once the back-off has passed; the next one is twice as long, unless a line comes.
static void connect_later(struct rpc_client *client)
{
	struct timeval delay = {
		.tv_sec = client->backoff_ms / 1000, .tv_usec = client->backoff_ms % 1000 * 1000};

	event_add(client->timer, &delay);
	client->backoff_ms *= 2;
	if (client->backoff_ms > BACKOFF_MAX)
		client->backoff_ms = BACKOFF_MAX;
}

static void close_socket(struct rpc_client *client)
{
	if (client->readable)
		event_free(client->readable);
	if (client->writable)
		event_free(client->writable);
	client->readable = client->writable = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	rpc_buffer_free(&client->in);
	rpc_buffer_free(&client->out);
	client->scanned = 0;
}

// Tells the owners of the requests that no answer will come. Those that they place meanwhile are
// told at once, as there is no connection.
static void drop_requests(struct rpc_client *client)
{
	struct request *request;

	while ((request = TAILQ_FIRST(&client->requests))) {
		TAILQ_REMOVE(&client->requests, request, link);
		if (request->result)
			request->result(request->arg, NULL, NULL);
		free(request);
	}
}

static void release(struct rpc_client *client)
{
	event_free(client->timer);
	free(client->path);
	free(client);
}

// Ends a stretch of callbacks. False: the client was freed in one of them.
static bool leave(struct rpc_client *client)
{
	client->busy--;
	if (!client->freed || client->busy)
		return !client->freed;
	release(client);
	return false;
}

static void disconnect(struct rpc_client *client)
{
	close_socket(client);
	client->busy++;
	drop_requests(client);
	if (!client->freed && client->state)
		client->state(client->user, false);
	if (leave(client))
		connect_later(client);
}

static void take_answer(struct rpc_client *client, json_t *answer)
{
	json_t *id = json_object_get(answer, "id");
	struct request *request;

	TAILQ_FOREACH (request, &client->requests, link) {
		if (json_is_integer(id) && json_integer_value(id) == request->id)
			break;
	}
	if (!request)
		return;
	TAILQ_REMOVE(&client->requests, request, link);
	json_t *error = json_object_get(answer, "error");
	json_t *result = json_object_get(answer, "result");
	if (!error && !result)
		result = json_null();
	if (request->result)
		request->result(request->arg, error ? NULL : result, error);
	free(request);
}

// One line. False: it is no JSON-RPC, the connection makes no sense any more.
static bool take_line(struct rpc_client *client, const char *line, size_t length)
{
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	const char *method = json_string_value(json_object_get(object, "method"));
	bool ok = json_is_object(object);

	if (method && client->event)
		client->event(client->user, method, json_object_get(object, "params"));
	else if (ok && !method)
		take_answer(client, object);
	json_decref(object);
	return ok;
}

// The whole lines that have come. False: the connection is to be closed.
static bool take_lines(struct rpc_client *client)
{
	while (client->fd >= 0 && client->in.length) {
		char *line = rpc_buffer_head(&client->in);
		char *end =
			memchr(line + client->scanned, '\n', client->in.length - client->scanned);

		if (!end) {
			client->scanned = client->in.length;
			return client->in.length <= ANSWER_MAX;
		}
		if (!take_line(client, line, end - line))
			return client->fd < 0;
		if (client->fd < 0)
			break;
		rpc_buffer_consume(&client->in, end + 1 - line);
		client->scanned = 0;
		client->backoff_ms = BACKOFF_MIN;
	}
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_client *client = arg;

	(void)what;
	ssize_t n = rpc_buffer_recv(&client->in, fd, READ_BYTES);
	if (n < 0 && errno == EAGAIN)
		return;
	client->busy++;
	bool ok = n > 0 && take_lines(client);
	if (leave(client) && !ok)
		disconnect(client);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_client *client = arg;

	(void)what;
	if (rpc_buffer_send(&client->out, fd) < 0 && errno != EAGAIN)
		disconnect(client);
	else if (client->out.length)
		event_add(client->writable, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_client *client = arg;

	(void)fd;
	(void)what;
	client->fd = rpc_socket_connect(client->path, SOCK_NONBLOCK);
	if (client->fd >= 0) {
		client->readable = event_new(
			client->base, client->fd, EV_READ | EV_PERSIST, on_readable, client);
		client->writable =
			event_new(client->base, client->fd, EV_WRITE, on_writable, client);
		if (!client->readable || !client->writable)
			close_socket(client);
	}
	if (client->fd < 0) {
		connect_later(client);
		return;
	}
	event_add(client->readable, NULL);
	client->busy++;
	if (client->state)
		client->state(client->user, true);
	leave(client);
}

struct rpc_client *rpc_client_new(struct event_base *base, const char *path, rpc_state_cb state,
	rpc_event_cb event, void *user)
{
	struct rpc_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	rpc_init();
	client->base = base;
	client->path = strdup(path);
	client->state = state;
	client->event = event;
	client->user = user;
	client->fd = -1;
	client->backoff_ms = BACKOFF_MIN;
	TAILQ_INIT(&client->requests);
	client->timer = event_new(base, -1, 0, on_timer, client);
	if (!client->path || !client->timer) {
		if (client->timer)
			event_free(client->timer);
		free(client->path);
		free(client);
		return NULL;
	}
	event_active(client->timer, EV_TIMEOUT, 0);
	return client;
}

void rpc_client_free(struct rpc_client *client)
{
	if (!client || client->freed)
		return;
	client->freed = true;
	event_del(client->timer);
	close_socket(client);
	client->busy++;
	drop_requests(client);
	leave(client);
}

bool rpc_client_connected(const struct rpc_client *client)
{
	return client->fd >= 0;
}

static int append_cb(const char *data, size_t size, void *arg)
{
	return rpc_buffer_append(arg, data, size) ? 0 : -1;
}

// Appends the request to the output, or leaves that as it was.
static bool write_request(
	struct rpc_client *client, json_int_t id, const char *method, json_t *params)
{
	json_t *object = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
		method, "params", params ? params : json_object());
	size_t before = client->out.length;
	bool ok = object &&
		  json_dump_callback(object, append_cb, &client->out, JSON_COMPACT) == 0 &&
		  rpc_buffer_append(&client->out, "\n", 1);

	if (!ok)
		client->out.length = before;
	json_decref(object);
	return ok;
}

void rpc_client_call(struct rpc_client *client, const char *method, json_t *params,
	rpc_result_cb result, void *arg)
{
	struct request *request = client->fd >= 0 ? calloc(1, sizeof(*request)) : NULL;

	if (!request) {
		json_decref(params);
		if (result)
			result(arg, NULL, NULL);
		return;
	}
	request->id = ++client->last_id;
	request->result = result;
	request->arg = arg;
	if (!write_request(client, request->id, method, params)) {
		free(request);
		if (result)
			result(arg, NULL, NULL);
		return;
	}
	TAILQ_INSERT_TAIL(&client->requests, request, link);
	event_add(client->writable, NULL);
}
