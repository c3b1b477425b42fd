// SPDX-License-Identifier: BSD-3-Clause
// What the tests of connections share: certificates in a folder of their own, an event loop, both
// ends of connections on the loopback device.
#pragma once

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/sip/conn.h"
#include "control/sip/tls.h"

#define WORLD_WHY 160

// What one end has seen.
struct end {
	struct conn *conn; // the last one
	unsigned ready, closed, messages;
	char why[WORLD_WHY], fingerprint[TLS_FINGERPRINT_MAX];
	void (*on_message)(struct end *end, struct conn *conn, struct msg *msg);
	void (*on_ready)(struct end *end, struct conn *conn);
	void (*on_closed)(struct end *end, struct conn *conn);
	size_t body; // bytes, of the last message
	unsigned cseq;
};

struct world {
	char folder[64], server_cert[96], server_key[96], client_cert[96], client_key[96];
	struct event_base *base;
	SSL_CTX *server_tls, *client_tls;
	struct conn_listener *listener;
	struct sockaddr_storage address;
	struct end server, client;
};

static inline void world_message(void *user, struct conn *conn, struct msg *msg)
{
	struct end *end = user;

	end->messages++;
	end->conn = conn;
	end->cseq = msg_cseq(msg);
	msg_body(msg, &end->body);
	if (end->on_message != NULL)
		end->on_message(end, conn, msg);
	msg_free(msg);
}

static inline void world_ready(void *user, struct conn *conn)
{
	struct end *end = user;
	const char *fingerprint = conn_fingerprint(conn);

	end->ready++;
	end->conn = conn;
	snprintf(end->fingerprint, sizeof(end->fingerprint), "%s", fingerprint ? fingerprint : "");
	if (end->on_ready != NULL)
		end->on_ready(end, conn);
}

static inline void world_closed(void *user, struct conn *conn, const char *why)
{
	struct end *end = user;

	end->closed++;
	snprintf(end->why, sizeof(end->why), "%s", why);
	if (end->on_closed != NULL)
		end->on_closed(end, conn);
	if (end->conn == conn)
		end->conn = NULL;
}

static const struct conn_callbacks world_callbacks = {
	.message = world_message, .ready = world_ready, .closed = world_closed};

static inline void world_init(struct world *world)
{
	char error[256];

	memset(world, 0, sizeof(*world));
	cr_assert(eq(int, msg_init(), 0));
	strcpy(world->folder, "/tmp/sip_test.XXXXXX");
	cr_assert(ne(ptr, mkdtemp(world->folder), NULL));
	snprintf(world->server_cert, sizeof(world->server_cert), "%s/server.crt", world->folder);
	snprintf(world->server_key, sizeof(world->server_key), "%s/server.key", world->folder);
	snprintf(world->client_cert, sizeof(world->client_cert), "%s/client.crt", world->folder);
	snprintf(world->client_key, sizeof(world->client_key), "%s/client.key", world->folder);
	cr_assert(
		eq(int, tls_make_certificate(world->server_cert, world->server_key, "server"), 0));
	cr_assert(
		eq(int, tls_make_certificate(world->client_cert, world->client_key, "client"), 0));
	world->server_tls = tls_server(world->server_cert, world->server_key, error);
	cr_assert(ne(ptr, world->server_tls, NULL), "%s", error);
	world->client_tls = tls_client(world->client_cert, world->client_key, NULL, error);
	cr_assert(ne(ptr, world->client_tls, NULL), "%s", error);
	world->base = event_base_new();
}

static inline void world_fini(struct world *world)
{
	char command[128];

	event_base_loop(world->base, EVLOOP_NONBLOCK);
	conn_listener_free(world->listener);
	event_base_loop(world->base, EVLOOP_NONBLOCK);
	event_base_free(world->base);
	SSL_CTX_free(world->server_tls);
	SSL_CTX_free(world->client_tls);
	snprintf(command, sizeof(command), "rm -r %s", world->folder);
	cr_assert(eq(int, system(command), 0));
}

static inline void world_listen(struct world *world, const struct conn_limits *limits)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	world->listener = conn_listen(world->base, (struct sockaddr *)&any, sizeof(any),
		world->server_tls, limits, &world_callbacks, &world->server);
	cr_assert(ne(ptr, world->listener, NULL));
	cr_assert(eq(int, conn_listener_address(world->listener, &world->address), 0));
}

static inline struct conn *world_connect(
	struct world *world, const struct conn_verify *verify, const struct conn_limits *limits)
{
	return conn_connect(world->base, (struct sockaddr *)&world->address,
		sizeof(struct sockaddr_in), world->client_tls, verify, limits, &world_callbacks,
		&world->client);
}

// By the server's pinned certificate.
static inline struct conn *world_connect_pinned(
	struct world *world, const struct conn_limits *limits)
{
	char pin[TLS_FINGERPRINT_MAX];
	struct conn *conn;

	cr_assert(eq(int, tls_fingerprint_file(world->server_cert, pin), 0));
	conn = world_connect(world, &(struct conn_verify){.fingerprint = pin}, limits);
	cr_assert(ne(ptr, conn, NULL));
	return conn;
}

static inline double world_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Runs the loop until a counter reaches a number; false if it does not within 5 seconds.
static inline bool world_wait(
	struct world *world, const volatile unsigned *counter, unsigned target)
{
	double until = world_now() + 5;
	struct timeval tick = {.tv_usec = 5000};

	while (*counter < target && world_now() < until) {
		event_base_loopexit(world->base, &tick);
		event_base_loop(world->base, EVLOOP_ONCE);
	}
	return *counter >= target;
}

// Runs the loop for a time.
static inline void world_run(struct world *world, unsigned ms)
{
	double until = world_now() + ms / 1000.0;
	struct timeval tick = {.tv_usec = 2000};

	while (world_now() < until) {
		event_base_loopexit(world->base, &tick);
		event_base_loop(world->base, EVLOOP_ONCE);
	}
}

static inline struct msg *world_request(const char *method, unsigned cseq)
{
	struct msg *msg = msg_new_request(&(struct msg_request){
		.method = method,
		.uri = "sip:bob@127.0.0.1:5061;transport=tls",
		.from = "sip:alice@example.org",
		.from_tag = "a",
		.to = "sip:bob@example.org",
		.call_id = "call",
		.sent_by = "127.0.0.1:5061",
		.cseq = cseq,
	});
	cr_assert(ne(ptr, msg, NULL));
	return msg;
}

static inline int world_send(struct conn *conn, unsigned cseq)
{
	struct msg *msg = world_request("PUBLISH", cseq);
	int result = conn_send(conn, msg);

	msg_free(msg);
	return result;
}
