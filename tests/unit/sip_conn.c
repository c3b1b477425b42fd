// SPDX-License-Identifier: BSD-3-Clause
// Connections, both ends ours: messages, closing, watches, keep-alive, limits.
#include "tests/unit/sip_world.h"

#include <errno.h>
#include <openssl/err.h>

static struct world world;

static void init(void)
{
	world_init(&world);
}

static void fini(void)
{
	world_fini(&world);
}

TestSuite(sip_conn, .init = init, .fini = fini, .timeout = 20);

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
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(str, world.server.why, "the peer closed the connection"));
	cr_expect(eq(uint, world.client.closed, 0));
}
