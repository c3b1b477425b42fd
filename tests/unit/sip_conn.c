// SPDX-License-Identifier: BSD-3-Clause
// Connections, both ends ours: messages, closing, watches, keep-alive, limits.
#include "tests/unit/sip_world.h"

#include <errno.h>

static struct world world;

static void init(void)
{
	world_init(&world);
}

static void fini(void)
{
	if (world.client.conn != NULL)
		conn_abort(world.client.conn);
	world_fini(&world);
}

TestSuite(sip_conn, .init = init, .fini = fini, .timeout = 30);

static struct conn *connect_ready(
	const struct conn_limits *server, const struct conn_limits *client)
{
	struct conn *conn;

	world_listen(&world, server);
	conn = world_connect_pinned(&world, client);
	cr_assert(world_wait(&world, &world.client.ready, 1), "%s", world.client.why);
	cr_assert(world_wait(&world, &world.server.ready, 1), "%s", world.server.why);
	return conn;
}

// After the owner itself has closed it.
static void gone(void)
{
	world.client.conn = NULL;
}

Test(sip_conn, messages_both_ways_over_mutual_tls)
{
	char server[TLS_FINGERPRINT_MAX], client[TLS_FINGERPRINT_MAX];
	struct sockaddr_storage local;
	struct conn *conn;

	tls_fingerprint_file(world.server_cert, server);
	tls_fingerprint_file(world.client_cert, client);
	world_listen(&world, NULL);
	conn = world_connect_pinned(&world, NULL);
	cr_expect(not(conn_is_ready(conn)));
	cr_expect(eq(int, world_send(conn, 1), 0), "sent before it is ready");
	cr_assert(world_wait(&world, &world.server.messages, 1), "%s", world.client.why);
	cr_expect(eq(uint, world.server.cseq, 1));
	cr_expect(eq(str, world.server.fingerprint, client));
	cr_expect(eq(str, world.client.fingerprint, server));
	cr_expect(conn_is_ready(conn));
	cr_expect(eq(int, world_send(world.server.conn, 2), 0));
	cr_assert(world_wait(&world, &world.client.messages, 1));
	cr_expect(eq(uint, world.client.cseq, 2));
	cr_assert(eq(int, conn_local_address(conn, &local), 0));
	cr_expect(eq(int, ((struct sockaddr_in *)&local)->sin_port,
		((struct sockaddr_in *)conn_peer_address(world.server.conn))->sin_port));
	cr_expect(eq(int, strncmp(conn_peer(conn), "127.0.0.1:", 10), 0));
	conn_close(conn);
	gone();
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(str, world.server.why, "the peer closed the connection"));
	cr_expect(eq(uint, world.client.closed, 0));
}

static void send_body(struct conn *conn, size_t size)
{
	struct msg *msg = world_request("PUBLISH", 1);
	char *body = malloc(size);

	memset(body, 'b', size);
	cr_assert(eq(int, msg_set_body(msg, "application/json", body, size), 0));
	cr_assert(eq(int, conn_send(conn, msg), 0));
	free(body);
	msg_free(msg);
}

Test(sip_conn, large_body_arrives_although_closed_at_once)
{
	connect_ready(NULL, &(struct conn_limits){.body_max = CONN_BODY_MAX});
	send_body(world.server.conn, 3000000);
	conn_close(world.server.conn);
	cr_assert(world_wait(&world, &world.client.messages, 1), "%s", world.client.why);
	cr_expect(eq(sz, world.client.body, 3000000));
	cr_assert(world_wait(&world, &world.client.closed, 1));
	cr_expect(eq(str, world.client.why, "the peer closed the connection"));
	cr_expect(eq(uint, world.server.closed, 0));
}

// The closing end has unread bytes: were it to just close, TCP would reset the connection.
Test(sip_conn, last_answer_is_not_lost_to_a_reset)
{
	struct conn *conn = connect_ready(NULL, &(struct conn_limits){.body_max = CONN_BODY_MAX});

	for (unsigned i = 0; i < 50; i++)
		send_body(conn, 60000);
	send_body(world.server.conn, 1000000);
	conn_close(world.server.conn);
	cr_assert(world_wait(&world, &world.client.messages, 1), "%s", world.client.why);
	cr_expect(eq(sz, world.client.body, 1000000));
}

Test(sip_conn, many_messages_in_a_row)
{
	struct conn *conn = connect_ready(NULL, NULL);

	for (unsigned i = 0; i < 2000; i++)
		cr_assert(eq(int, world_send(conn, i), 0));
	cr_assert(world_wait(&world, &world.server.messages, 2000));
	cr_expect(eq(uint, world.server.cseq, 1999));
}

Test(sip_conn, reading_pauses_over_the_rate_and_nothing_is_lost)
{
	struct conn *conn = connect_ready(&(struct conn_limits){.messages_per_s = 100}, NULL);
	double begun = world_now();

	for (unsigned i = 0; i < 280; i++)
		world_send(conn, i);
	cr_assert(world_wait(&world, &world.server.messages, 200));
	cr_assert(world_wait(&world, &world.server.messages, 280));
	cr_expect(world_now() - begun > 0.7, "%f", world_now() - begun);
	cr_expect(eq(uint, world.server.closed, 0));
}

static void abort_conn(struct end *end, struct conn *conn, struct msg *msg)
{
	(void)msg;
	end->conn = NULL;
	conn_abort(conn);
}

static void close_conn(struct end *end, struct conn *conn, struct msg *msg)
{
	(void)msg;
	end->conn = NULL;
	world_send(conn, 77);
	conn_close(conn);
}

static void close_ready(struct end *end, struct conn *conn)
{
	end->conn = NULL;
	conn_close(conn);
}

static void close_twice(struct end *end, struct conn *conn)
{
	(void)end;
	conn_close(conn);
	conn_abort(conn);
	cr_expect(eq(int, world_send(conn, 1), -ENOTCONN));
}

Test(sip_conn, aborted_in_its_message_callback)
{
	struct conn *conn = connect_ready(NULL, NULL);

	world.server.on_message = abort_conn;
	world_send(conn, 1);
	world_send(conn, 2);
	cr_assert(world_wait(&world, &world.client.closed, 1));
	cr_expect(eq(uint, world.server.messages, 1), "none after that");
	cr_expect(eq(uint, world.server.closed, 0));
}

Test(sip_conn, closed_in_its_message_callback)
{
	struct conn *conn = connect_ready(NULL, NULL);

	world.server.on_message = close_conn;
	world_send(conn, 1);
	world_send(conn, 2);
	cr_assert(world_wait(&world, &world.client.closed, 1));
	cr_expect(eq(uint, world.client.cseq, 77));
	cr_expect(eq(uint, world.server.messages, 1));
}

Test(sip_conn, closed_in_its_ready_callback)
{
	world_listen(&world, NULL);
	world.server.on_ready = close_ready;
	world_connect_pinned(&world, NULL);
	cr_assert(world_wait(&world, &world.client.closed, 1));
}

Test(sip_conn, closed_in_its_closed_callback)
{
	connect_ready(NULL, NULL);
	world.client.on_closed = close_twice;
	conn_abort(world.server.conn);
	cr_assert(world_wait(&world, &world.client.closed, 1));
	cr_expect(eq(str, world.client.why, "the connection was cut"));
}

Test(sip_conn, closed_before_the_handshake)
{
	struct conn *conn;

	world_listen(&world, NULL);
	conn = world_connect_pinned(&world, NULL);
	conn_close(conn);
	conn = world_connect_pinned(&world, NULL);
	world_send(conn, 5);
	conn_close(conn); // what waits is sent
	cr_assert(world_wait(&world, &world.server.messages, 1));
	cr_expect(eq(uint, world.server.cseq, 5));
	cr_expect(eq(uint, world.client.ready, 0));
	cr_assert(world_wait(&world, &world.server.closed, 2));
}

static struct conn_listener *to_free;

static void free_listener(struct end *end, struct conn *conn, struct msg *msg)
{
	(void)end, (void)conn, (void)msg;
	conn_listener_free(to_free);
	world.listener = NULL;
}

Test(sip_conn, listener_freed_in_a_callback)
{
	struct conn *conn = connect_ready(NULL, NULL);

	to_free = world.listener;
	world.server.on_message = free_listener;
	world_send(conn, 1);
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(str, world.server.why, "the listener was closed"));
	cr_assert(world_wait(&world, &world.client.closed, 1));
}

static unsigned watched;
static char watched_why[128];

static void on_gone(struct conn_watch *watch, const char *why)
{
	cr_expect(eq(ptr, watch->conn, NULL));
	watched++;
	snprintf(watched_why, sizeof(watched_why), "%s", why);
}

Test(sip_conn, watches_are_told_however_it_ends)
{
	struct conn *conn = connect_ready(NULL, NULL);
	struct conn_watch a = {.gone = on_gone}, b = a, server = a;

	conn_watch_add(conn, &a);
	conn_watch_add(conn, &b);
	conn_watch_add(world.server.conn, &server);
	conn_watch_del(&b);
	conn_watch_del(&b);
	conn_close(conn);
	gone();
	cr_expect(eq(uint, watched, 1));
	cr_expect(eq(str, watched_why, "closed"));
	cr_assert(world_wait(&world, &watched, 2));
	cr_expect(eq(str, watched_why, "the peer closed the connection"));
}

Test(sip_conn, refused_and_unreachable)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	memcpy(&world.address, &nobody, sizeof(nobody));
	world_connect_pinned(&world, NULL);
	cr_assert(world_wait(&world, &world.client.closed, 1));
	cr_expect(eq(str, world.client.why, "Connection refused"));
	errno = 0;
	cr_expect(eq(ptr, world_connect(&world, &(struct conn_verify){0}, NULL), NULL),
		"no verification");
	cr_expect(eq(ptr, world_connect(&world, &(struct conn_verify){"name", "fingerprint"}, NULL),
		NULL));
	cr_expect(eq(ptr, world_connect(&world, &(struct conn_verify){.name = ""}, NULL), NULL));
	cr_expect(eq(
		ptr, world_connect(&world, &(struct conn_verify){.fingerprint = "x"}, NULL), NULL));
}

Test(sip_conn, keep_alive_is_answered)
{
	connect_ready(&(struct conn_limits){.idle_timeout_s = 2},
		&(struct conn_limits){.keepalive_s = 1});
	world_run(&world, 3500);
	cr_expect(eq(uint, world.client.closed, 0), "%s", world.client.why);
	cr_expect(eq(uint, world.server.closed, 0), "%s", world.server.why);
}

Test(sip_conn, silence_ends_at_the_idle_timeout)
{
	connect_ready(&(struct conn_limits){.idle_timeout_s = 1}, NULL);
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(str, world.server.why, "no message for too long"));
}

Test(sip_conn, peer_that_does_not_read_is_given_up)
{
	connect_ready(&(struct conn_limits){.output_max = 300000}, NULL);
	send_body(world.server.conn, 200000);
	cr_expect(eq(uint, world.server.closed, 0));
	for (int result = 0, i = 0; i < 2; i++) {
		struct msg *msg = world_request("PUBLISH", 1);
		char body[150000] = "x";
		msg_set_body(msg, "a/b", body, sizeof(body));
		result = conn_send(world.server.conn, msg);
		cr_expect(eq(int, result, i == 0 ? -ENOBUFS : -ENOTCONN));
		msg_free(msg);
	}
	cr_expect(eq(uint, world.server.closed, 0), "not inside conn_send()");
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(str, world.server.why, "the peer does not read"));
}

static void answer_at_length(struct end *end, struct conn *conn, struct msg *msg)
{
	(void)end, (void)msg;
	send_body(conn, 20000);
}

// More than would be kept: reading pauses until the client has read, and nothing is lost.
Test(sip_conn, long_answers_pause_reading)
{
	struct conn *conn = connect_ready(&(struct conn_limits){.output_max = 1000000}, NULL);

	world.server.on_message = answer_at_length;
	for (unsigned i = 0; i < 500; i++)
		cr_assert(eq(int, world_send(conn, i), 0));
	cr_assert(world_wait(&world, &world.client.messages, 500), "%s", world.server.why);
	cr_expect(eq(uint, world.server.cseq, 499));
	cr_expect(eq(uint, world.server.closed, 0), "%s", world.server.why);
}

static unsigned refused_by_limit(const struct conn_limits *limits, unsigned attempts)
{
	world_listen(&world, limits);
	for (unsigned i = 0; i < attempts; i++)
		world_connect_pinned(&world, NULL);
	for (unsigned i = 0; i < 500 && world.client.closed + world.client.ready < attempts; i++)
		world_run(&world, 10);
	cr_expect(eq(uint, world.client.closed + world.client.ready, attempts));
	return world.client.closed;
}

Test(sip_conn, connections_at_a_time)
{
	cr_expect(eq(uint, refused_by_limit(&(struct conn_limits){.connections = 3}, 8), 5));
}

Test(sip_conn, connections_of_one_source)
{
	unsigned refused = refused_by_limit(&(struct conn_limits){.connections_per_ip = 4}, 10);

	cr_expect(eq(uint, refused, 6));
	cr_assert(world_wait(&world, &world.server.ready, 4));
	conn_abort(world.server.conn);
	cr_assert(world_wait(&world, &world.client.closed, 7));
	world_connect_pinned(&world, NULL);
	cr_expect(world_wait(&world, &world.client.ready, 5), "one may come when one has gone");
}

Test(sip_conn, new_connections_a_second)
{
	unsigned refused = refused_by_limit(&(struct conn_limits){.accepts_per_ip_s = 2}, 12);

	cr_expect(refused >= 6 && refused <= 8, "%u", refused);
	world_run(&world, 1100);
	world_connect_pinned(&world, NULL);
	cr_expect(world_wait(&world, &world.client.ready, 13 - refused));
}

Test(sip_conn, over_ipv6)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	char pin[TLS_FINGERPRINT_MAX];

	world.listener = conn_listen(world.base, (struct sockaddr *)&any, sizeof(any),
		world.server_tls, NULL, &world_callbacks, &world.server);
	cr_assert(ne(ptr, world.listener, NULL));
	conn_listener_address(world.listener, &world.address);
	tls_fingerprint_file(world.server_cert, pin);
	conn_connect(world.base, (struct sockaddr *)&world.address, sizeof(any), world.client_tls,
		&(struct conn_verify){.fingerprint = pin}, NULL, &world_callbacks, &world.client);
	cr_assert(world_wait(&world, &world.server.ready, 1), "%s", world.client.why);
	cr_expect(eq(int, strncmp(conn_peer(world.server.conn), "[::1]:", 6), 0));
}

Test(sip_conn, an_address_in_use_is_an_error)
{
	world_listen(&world, NULL);
	errno = 0;
	cr_expect(eq(ptr,
		conn_listen(world.base, (struct sockaddr *)&world.address,
			sizeof(struct sockaddr_in), world.server_tls, NULL, &world_callbacks, NULL),
		NULL));
	cr_expect(eq(int, errno, EADDRINUSE));
}

Test(sip_conn, user_and_data_are_the_owners)
{
	struct conn *conn = connect_ready(NULL, NULL);
	struct end other = {0};
	int data;

	cr_expect(eq(ptr, conn_data(conn), NULL));
	conn_set_data(conn, &data);
	cr_expect(eq(ptr, conn_data(conn), &data));
	conn_set_user(conn, &other);
	world_send(world.server.conn, 3);
	cr_assert(world_wait(&world, &other.messages, 1));
	cr_expect(eq(uint, world.client.messages, 0));
}
