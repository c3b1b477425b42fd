// SPDX-License-Identifier: BSD-3-Clause
// A JSON-RPC server and what its tests have in common. One thread: the tests write to the socket
// and turn the event loop in between.
#pragma once

#include "engine/base/rpc_private.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/rpc_socket.h"
#include "tests/fuzz/rpc_line.c"

static struct event_base *base;
static struct rpc_server *server;
static char folder[64], path[96];
static struct rpc_call *late;
static unsigned handled, gone;

static inline json_t *do_later(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	late = call;
	return RPC_LATER;
}

static inline json_t *do_at_once(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	rpc_reply(call, json_string("at once"));
	return RPC_LATER;
}

static inline json_t *do_fail(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	return rpc_fail(call, RPC_IN_USE, "wire.local", "wire.local: %s", "taken");
}

static inline json_t *do_nothing(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)call;
	(void)params;
	return NULL;
}

static inline json_t *do_count(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)call;
	(void)params;
	return json_integer(++handled);
}

static inline json_t *do_subscribe(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	rpc_conn_subscribe(rpc_call_conn(call), true);
	return json_object();
}

static const struct rpc_method methods[] = {{"echo", fuzz_echo}, {"typed", fuzz_typed},
	{"later", do_later}, {"at_once", do_at_once}, {"fail", do_fail}, {"nothing", do_nothing},
	{"count", do_count}, {"subscribe", do_subscribe}, {NULL, NULL}};

static inline void on_gone(void *user, struct rpc_conn *conn)
{
	(void)user;
	(void)conn;
	gone++;
}

static inline void setup(void)
{
	signal(SIGPIPE, SIG_DFL); // nothing may depend on its being ignored
	strcpy(folder, "/tmp/crowfly-rpc-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run/t.sock", folder);
	base = event_base_new();
	server = rpc_server_new(base, path, methods, NULL);
	cr_assert_not_null(server, "%s", strerror(errno));
	rpc_server_on_close(server, on_gone);
}

static inline void teardown(void)
{
	rpc_server_free(server);
	event_base_free(base);
	cr_expect_neq(access(path, F_OK), 0, "the socket was left behind");
	*strrchr(path, '/') = '\0';
	rmdir(path);
	cr_expect_eq(rmdir(folder), 0);
}

static inline void turn(void)
{
	for (int i = 0; i < 8; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static inline int dial(void)
{
	int fd = rpc_socket_connect(path, SOCK_NONBLOCK);

	cr_assert_geq(fd, 0);
	turn();
	return fd;
}

// Writes all, turning the loop whenever the socket is full.
static inline bool put(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		data += n > 0 ? n : 0;
		size -= n > 0 ? n : 0;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	turn();
	return true;
}

// The next answer; NULL if there is none, with errno 0 at the end of the connection.
static inline json_t *get(int fd)
{
	json_t *object = NULL;

	for (int i = 0; !object && i < 50; i++) {
		turn();
		object = rpc_read_blocking(fd);
		if (!object && errno != EAGAIN)
			break;
	}
	return object;
}

static inline json_t *ask(int fd, const char *line)
{
	cr_assert(put(fd, line, strlen(line)));
	return get(fd);
}

static inline int error_code(json_t *answer)
{
	return json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
}

static inline const char *error_field(json_t *answer)
{
	json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	const char *field = json_string_value(json_object_get(data, "field"));

	return field ? field : "";
}

static inline const char *error_text(json_t *answer)
{
	return json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
}

// Whether the connection still answers.
static inline bool is_alive(int fd)
{
	json_t *answer = ask(fd, "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"echo\"}\n");
	bool ok = json_integer_value(json_object_get(answer, "id")) == 99;

	json_decref(answer);
	return ok;
}

static inline size_t resident_bytes(void)
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	cr_assert_eq(fscanf(file, "%*u %zu", &pages), 1);
	fclose(file);
	return pages * 4096;
}

// What the sanitizer holds back does not count.
#ifdef __SANITIZE_ADDRESS__
#define RESIDENT_SLACK (1u << 30)
#else
#define RESIDENT_SLACK 0
#endif

#define CALL(id, method, rest)                                                                     \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"" rest "}"
