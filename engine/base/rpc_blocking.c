// SPDX-License-Identifier: BSD-3-Clause
// Calls that wait for their answer, for command-line programs; any thread that has the connection
// to itself.
#include "engine/base/rpc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/base/rpc_buffer.h"
#include "engine/base/rpc_private.h"
#include "engine/base/rpc_socket.h"

#define PEEK_BYTES 65536

int rpc_connect(const char *path)
{
	rpc_init();
	return rpc_socket_connect(path, 0);
}

// Sends all; the socket may block.
static int send_all(int fd, struct rpc_buffer *out)
{
	while (out->length) {
		ssize_t n = send(fd, rpc_buffer_head(out), out->length, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			rpc_buffer_consume(out, n);
	}
	return 0;
}

// Takes the bytes up to the next line end out of the socket, none behind it. 1, 0 at the end of the
// connection, -1 and errno (EINTR too: the caller may want to stop).
static int read_line(int fd, struct rpc_buffer *line)
{
	for (;;) {
		char *room = rpc_buffer_room(line, PEEK_BYTES);

		if (!room) {
			errno = ENOMEM;
			return -1;
		}
		ssize_t n = recv(fd, room, PEEK_BYTES, MSG_PEEK);
		if (n <= 0)
			return n;
		char *end = memchr(room, '\n', n);
		size_t take = end ? (size_t)(end + 1 - room) : (size_t)n;
		n = recv(fd, room, take, 0);
		if (n <= 0)
			return n;
		line->length += n;
		if (end && (size_t)n == take)
			return 1;
	}
}

json_t *rpc_read_blocking(int fd)
{
	struct rpc_buffer line = {0};
	json_t *object = NULL;
	int rc = read_line(fd, &line);

	if (rc > 0) {
		object = json_loadb(
			rpc_buffer_head(&line), line.length, JSON_REJECT_DUPLICATES, NULL);
		if (!object)
			errno = EPROTO;
	} else if (rc == 0) {
		errno = 0;
	}
	int saved = errno;
	rpc_buffer_free(&line);
	errno = saved;
	return object;
}

static int append_cb(const char *data, size_t size, void *arg)
{
	return rpc_buffer_append(arg, data, size) ? 0 : -1;
}

static int send_request(int fd, json_t *request)
{
	struct rpc_buffer out = {0};
	int rc = -1;

	errno = ENOMEM;
	if (request && json_dump_callback(request, append_cb, &out, JSON_COMPACT) == 0 &&
		rpc_buffer_append(&out, "\n", 1))
		rc = send_all(fd, &out);
	int saved = errno;
	rpc_buffer_free(&out);
	errno = saved;
	return rc;
}

json_t *rpc_call_blocking(int fd, const char *method, json_t *params)
{
	static json_int_t last_id;
	json_int_t id = ++last_id;
	json_t *request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
		method, "params", params ? params : json_object());
	// Even after a failed send: the server says why before it closes
	int rc = send_request(fd, request);
	int saved = errno;

	json_decref(request);
	if (rc < 0 && saved != EPIPE) {
		errno = saved;
		return NULL;
	}
	for (;;) {
		json_t *answer = rpc_read_blocking(fd);
		json_t *answer_id = json_object_get(answer, "id");

		if (!answer && !errno)
			errno = rc < 0 ? saved : ECONNRESET;
		if (!answer || json_integer_value(answer_id) == id || json_is_null(answer_id))
			return answer;
		json_decref(answer); // an event, or the answer to an earlier call
	}
}
