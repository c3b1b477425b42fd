// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the JSON-RPC server with what a client writes; every line it answers must be a JSON-RPC
// object.
#include "engine/base/rpc_private.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *fuzz_typed(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"s", "n", "b", NULL};
	const uint64_t zero = 0;
	const bool no = false;
	uint64_t n;
	bool b;

	(void)user;
	if (rpc_known(call, params, known) < 0 || !rpc_string(call, params, "s", 8, true) ||
		rpc_uint(call, params, "n", 1000, &zero, &n) < 0 ||
		rpc_bool(call, params, "b", &no, &b) < 0)
		return NULL;
	return json_pack("{s:I, s:b}", "n", (json_int_t)n, "b", b);
}

static json_t *fuzz_echo(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)call;
	return json_incref(params);
}

static const struct rpc_method fuzz_methods[] = {
	{"typed", fuzz_typed}, {"echo", fuzz_echo}, {NULL, NULL}};

static void fuzz_check_line(const char *line, size_t length)
{
	json_t *answer = json_loadb(line, length, 0, NULL);

	assert(strcmp(json_string_value(json_object_get(answer, "jsonrpc")), "2.0") == 0);
	assert(json_object_get(answer, "id"));
	assert(!json_object_get(answer, "result") != !json_object_get(answer, "error"));
	json_decref(answer);
}

// Reads what is there; whole lines are checked and dropped.
static void fuzz_read(int fd, struct rpc_buffer *in)
{
	char *end;

	while (rpc_buffer_recv(in, fd, 65536) > 0) {
		while ((end = memchr(rpc_buffer_head(in), '\n', in->length))) {
			size_t length = end - rpc_buffer_head(in);

			fuzz_check_line(rpc_buffer_head(in), length);
			rpc_buffer_consume(in, length + 1);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_base *base = event_base_new();
	struct rpc_server *server = rpc_server_bare(base, fuzz_methods, NULL);
	struct rpc_buffer in = {0}, out = {0};
	int fds[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	assert(rpc_server_adopt(server, fds[0]));
	assert(rpc_buffer_append(&out, data, size));
	while (out.length && rpc_buffer_send(&out, fds[1]) >= 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		fuzz_read(fds[1], &in);
	}
	shutdown(fds[1], SHUT_WR);
	for (int i = 0; i < 4; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		fuzz_read(fds[1], &in);
	}
	assert(in.length == 0);
	rpc_buffer_free(&in);
	rpc_buffer_free(&out);
	close(fds[1]);
	rpc_server_free(server);
	event_base_free(base);
	return 0;
}
