// SPDX-License-Identifier: BSD-3-Clause
// The login race: 1,000 pairs log in at the same moment over two connections. Of each pair at least
// one must be told of the other.
#include "tests/unit/access_world.h"

#define PAIRS 1000

static struct access_world world;

// One agent: an endpoint for each pair, found again by the number in its Call-ID.
struct agent {
	struct client client;
	char side;
	struct endpoint endpoints[PAIRS];
	unsigned sent, challenged, done;
	bool all_done;
	bool learnt[PAIRS];
};
static struct agent agents[2];

static void send_register(struct agent *agent, unsigned i, const char *authorization)
{
	struct msg *request = endpoint_register(&agent->endpoints[i], 600, authorization);
	cr_assert_eq(conn_send(agent->client.conn, request), 0);
	msg_free(request);
}

static void on_message(struct client *client, struct msg *msg)
{
	struct agent *agent = (struct agent *)client;
	unsigned i = (unsigned)atoi(msg_call_id(msg));
	char header[2048];
	cr_assert_lt(i, PAIRS);
	if (msg_status(msg) == 401) {
		agent->challenged++;
		endpoint_answer(&agent->endpoints[i], msg, header);
		send_register(agent, i, header);
		return;
	}
	struct profile *p = response_profile(msg);
	cr_assert_eq(p->n_peers, 1);
	agent->learnt[i] = p->peers[0].online;
	profile_free(p);
	agent->all_done = ++agent->done == PAIRS;
}

static void add_users(void)
{
	char ha1[DIGEST_HEX], aor[2][64], user[32];
	cr_assert_eq(store_begin(world.admin), 0);
	for (int i = 0; i < PAIRS; i++) {
		for (int side = 0; side < 2; side++) {
			struct endpoint *e = &agents[side].endpoints[i];
			snprintf(user, sizeof(user), "%c%d", 'a' + side, i);
			snprintf(aor[side], sizeof(aor[side]), "sip:%s@" DOMAIN, user);
			digest_ha1(DIGEST_SHA256, user, DOMAIN, "secret", ha1);
			store_user_add(world.admin, aor[side], ha1, NULL);
			endpoint_init(e, user, "secret");
			snprintf(e->call_id, sizeof(e->call_id), "%d-%c", i, 'a' + side);
		}
		cr_assert_eq(store_permit(world.admin, aor[0], aor[1]), 0);
	}
	cr_assert_eq(store_commit(world.admin), 0);
}

Test(race, a_thousand_pairs, .timeout = 60)
{
	world_setup(&world);
	add_users();
	for (int side = 0; side < 2; side++) {
		client_open(&world, &agents[side].client, world.tls);
		agents[side].client.on_message = on_message;
	}
	for (unsigned i = 0; i < PAIRS; i++)
		for (int side = 0; side < 2; side++)
			send_register(&agents[side], i, NULL);
	cr_assert(world_until(&world, &agents[0].all_done, 50));
	cr_assert(world_until(&world, &agents[1].all_done, 50));
	unsigned both = 0;
	for (unsigned i = 0; i < PAIRS; i++) {
		cr_assert(agents[0].learnt[i] || agents[1].learnt[i],
			"neither of pair %u was told of the other", i);
		both += agents[0].learnt[i] && agents[1].learnt[i];
	}
	cr_assert_eq(agents[0].challenged + agents[1].challenged, 2 * PAIRS);
	cr_assert_eq(server_online(world.server), 2 * PAIRS);
	cr_assert_eq(both, 0, "a server of one thread tells the second one only");
	client_close(&agents[0].client);
	client_close(&agents[1].client);
	world_teardown(&world);
}
