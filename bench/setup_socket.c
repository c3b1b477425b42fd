// SPDX-License-Identifier: BSD-3-Clause
// A client of the engine's API with many requests under way. It has a thread of its own, so that
// the engine's control thread does on its side no more than it would with a client in another
// process.
#include "bench/setup_socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include "bench/bench.h"
#include "engine/api.h"
#include "engine/api_server.h"
#include "engine/base/rpc.h"
#include "pktio/address.h"

#define BATCH	   64 // requests in one write; two of these are under way
#define LINE_BYTES 512

struct setup_socket {
	struct api_server *server;
	char folder[32], path[64];
	uint32_t n;
	size_t length, *ends; // of the text, behind each request
	char *text;
	int fd;
	int pipe[2]; // the thread's last word, which wakes the event base up
	struct event *over;
	bool done;
	pthread_t thread;
};

// ---- the requests

static void address_text_of(
	const struct session_addr *address, char out[static ADDRESS_TEXT_MAX + 8])
{
	char ip[ADDRESS_TEXT_MAX];

	snprintf(out, ADDRESS_TEXT_MAX + 8, "%s:%u", address_text(&address->ip, ip), address->port);
}

static int write_add(char *line, const struct rig *rig, enum suite_id suite, uint32_t i)
{
	char wire[2][ADDRESS_TEXT_MAX + 8], host[2][ADDRESS_TEXT_MAX + 8], key[128];
	const struct suite *s = &suite_table[suite];
	struct session_params params;

	rig_session_params(rig, suite, i, &params);
	address_text_of(&params.wire_local, wire[0]);
	address_text_of(&params.wire_remote, wire[1]);
	address_text_of(&params.host_local, host[0]);
	address_text_of(&params.host_remote, host[1]);
	EVP_EncodeBlock((uint8_t *)key, params.tx_key, (int)(s->key_bytes + s->salt_bytes));
	return snprintf(line, LINE_BYTES,
		"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":{\"wire\":{\"local\":\"%s\","
		"\"remote\":\"%s\"},\"host\":{\"local\":\"%s\",\"remote\":\"%s\"},\"suite\":\"%s\","
		"\"tx_key\":\"%s\",\"rx_key\":\"%s\"}}\n",
		i, API_SESSION_ADD, wire[0], wire[1], host[0], host[1], s->name, key, key);
}

static int write_remove(char *line, uint32_t id)
{
	return snprintf(line, LINE_BYTES,
		"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":{\"id\":%u}}\n", id,
		API_SESSION_REMOVE, id);
}

static void write_requests(
	struct setup_socket *s, struct rig *rig, enum suite_id suite, uint32_t first, bool add)
{
	uint32_t id = first > 0 ? rig->ids[first - 1] : 0;

	s->text = malloc((size_t)s->n * LINE_BYTES);
	s->ends = calloc(s->n, sizeof(*s->ends));
	if (!s->text || !s->ends)
		bench_fail("out of memory");
	for (uint32_t i = 0; i < s->n; i++) {
		if (!add)
			id = session_next(rig->engine, id);
		s->length += (size_t)(add ? write_add(s->text + s->length, rig, suite, first + i)
					  : write_remove(s->text + s->length, id));
		s->ends[i] = s->length;
	}
}

// ---- the client's thread

static void write_batch(const struct setup_socket *s, uint32_t first)
{
	uint32_t last = first + BATCH < s->n ? first + BATCH - 1 : s->n - 1;
	size_t at = first > 0 ? s->ends[first - 1] : 0;

	while (at < s->ends[last]) {
		ssize_t n = write(s->fd, s->text + at, s->ends[last] - at);

		if (n < 0)
			bench_fail("the engine's socket: %s", strerror(errno));
		at += (size_t)n;
	}
}

// Reads until there are `answers` more lines than `had`; all must be of success.
static uint32_t read_answers(const struct setup_socket *s, uint32_t had, uint32_t answers)
{
	static __thread char buffer[65536];

	while (had < answers) {
		ssize_t n = read(s->fd, buffer, sizeof(buffer) - 1);

		if (n <= 0)
			bench_fail("the engine's socket was closed");
		buffer[n] = 0;
		if (strstr(buffer, "\"error\""))
			bench_fail("the engine refuses: %s", buffer);
		for (const char *c = buffer; (c = memchr(c, '\n', (size_t)(buffer + n - c))); c++)
			had++;
	}
	return had;
}

static void *ask(void *arg)
{
	struct setup_socket *s = arg;
	uint32_t answers = 0;

	bench_pin(2); // with two cores, beside the control thread
	write_batch(s, 0);
	for (uint32_t i = BATCH; i < s->n; i += BATCH) {
		write_batch(s, i);
		answers = read_answers(s, answers, i);
	}
	read_answers(s, answers, s->n);
	if (write(s->pipe[1], "", 1) != 1)
		bench_fail("a pipe: %s", strerror(errno));
	return NULL;
}

// ---- the control thread

static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct setup_socket *s = arg;

	(void)fd;
	(void)what;
	s->done = true;
}

struct setup_socket *setup_socket_new(
	struct rig *rig, enum suite_id suite, uint32_t first, uint32_t n, bool add)
{
	struct setup_socket *s = calloc(1, sizeof(*s));

	if (!s)
		bench_fail("out of memory");
	s->n = n;
	write_requests(s, rig, suite, first, add);
	strcpy(s->folder, "/tmp/crowfly-bench-XXXXXX");
	if (!mkdtemp(s->folder))
		bench_fail("%s: %s", s->folder, strerror(errno));
	snprintf(s->path, sizeof(s->path), "%s/engine.sock", s->folder);
	s->server = api_server_new(rig->base, rig->engine, s->path);
	s->fd = s->server ? rpc_connect(s->path) : -1;
	if (s->fd < 0 || pipe(s->pipe) != 0)
		bench_fail("%s: %s", s->path, strerror(errno));
	s->over = event_new(rig->base, s->pipe[0], EV_READ, on_over, s);
	if (!s->over || event_add(s->over, NULL) != 0)
		bench_fail("out of memory");
	return s;
}

void setup_socket_start(struct setup_socket *s)
{
	if (pthread_create(&s->thread, NULL, ask, s) != 0)
		bench_fail("no thread for the client");
}

bool setup_socket_done(const struct setup_socket *s)
{
	return s->done;
}

void setup_socket_free(struct setup_socket *s)
{
	pthread_join(s->thread, NULL);
	event_free(s->over);
	close(s->pipe[0]);
	close(s->pipe[1]);
	close(s->fd);
	api_server_free(s->server);
	rmdir(s->folder);
	explicit_bzero(s->text, s->length); // keys
	free(s->text);
	free(s->ends);
	free(s);
}
