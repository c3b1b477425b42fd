// SPDX-License-Identifier: BSD-3-Clause
// The whole access server over TLS: logins good and bad, tables, expiry, logging out.
#include "tests/unit/access_world.h"

#include "control/sip/token.h"

#include <unistd.h>

static struct access_world world;
static struct client client;
static struct endpoint alice, bob, carol;

static void setup(void)
{
	world_setup(&world);
	world_user(&world, "alice", "wonderland");
	world_user(&world, "bob", "builder");
	world_user(&world, "carol", "singer");
	world_user(&world, "dave", "diver");
	world_permit(&world, "alice", "bob");
	world_permit(&world, "alice", "carol");
	client_open(&world, &client, world.tls);
	endpoint_init(&alice, "alice", "wonderland");
	endpoint_init(&bob, "bob", "builder");
	endpoint_init(&carol, "carol", "singer");
}

static void teardown(void)
{
	client_close(&client);
	world_teardown(&world);
}

TestSuite(server, .init = setup, .fini = teardown);

static void assert_peer(const struct profile *p, size_t i, const char *aor, const char *contact)
{
	cr_assert_str_eq(p->peers[i].aor, aor);
	cr_assert_eq(p->peers[i].online, contact != NULL, "%s", aor);
	if (contact == NULL)
		return;
	cr_assert_str_eq(p->peers[i].contact, contact);
	cr_assert_str_eq(p->peers[i].fingerprint, world.fingerprint);
	cr_assert(p->peers[i].expires_s > 0 && p->peers[i].expires_s <= 600);
}

Test(server, login)
{
	struct msg *response = endpoint_login(&client, &alice, 600, NULL);
	struct profile *p = response_profile(response);
	cr_assert_str_eq(p->aor, "sip:alice@example.org");
	cr_assert(p->expires_s >= 540 && p->expires_s <= 600, "%u", p->expires_s);
	cr_assert_eq(p->n_peers, 2, "whom she may talk to, and nobody else");
	assert_peer(p, 0, "sip:bob@example.org", NULL);
	assert_peer(p, 1, "sip:carol@example.org", NULL);
	profile_free(p);
	cr_assert_not_null(msg_header(response, "Date"));
	cr_assert_not_null(msg_to_tag(response));
	char contact[256];
	cr_assert_str_eq(msg_contact(response, contact, sizeof(contact)),
		"sip:alice@127.0.0.1:7001;transport=tls");
	cr_assert_eq(server_online(world.server), 1);

	p = response_profile(endpoint_login(&client, &bob, 600, NULL));
	cr_assert_eq(p->n_peers, 1);
	assert_peer(p, 0, "sip:alice@example.org", "sip:alice@127.0.0.1:7001;transport=tls");
	profile_free(p);
	p = response_profile(endpoint_login(&client, &alice, 600, NULL));
	assert_peer(p, 0, "sip:bob@example.org", "sip:bob@127.0.0.1:7001;transport=tls");
	assert_peer(p, 1, "sip:carol@example.org", NULL);
	profile_free(p);
}

Test(server, token)
{
	struct profile *p = response_profile(endpoint_login(&client, &alice, 600, NULL));
	struct token_verifier *verifier = token_verifier_new(p->jwks);
	struct token_claims claims;
	cr_assert_not_null(verifier);
	cr_assert_eq(token_verify(verifier, p->token, &claims), TOKEN_OK);
	cr_assert_str_eq(claims.aor, "sip:alice@example.org");
	cr_assert_str_eq(claims.fingerprint, world.fingerprint);
	cr_assert_leq(labs((long)(claims.expires - time(NULL)) - (long)p->token_expires_s), 2);
	token_verifier_free(verifier);
	profile_free(p);
}

Test(server, wrong_password_and_unknown_user)
{
	struct endpoint wrong, unknown, other;
	endpoint_init(&wrong, "alice", "not it");
	endpoint_init(&unknown, "nobody", "not it");
	struct msg *response = endpoint_login(&client, &wrong, 600, NULL);
	assert_refused(response, 401);
	char *text = strdup(msg_header(response, "WWW-Authenticate")), *again;
	response = endpoint_login(&client, &unknown, 600, NULL);
	assert_refused(response, 401);
	again = strdup(msg_header(response, "WWW-Authenticate"));
	cr_assert_null(strstr(text, "stale"));
	// The same but for the nonce
	cr_assert_eq(strlen(text), strlen(again));
	memset(strstr(text, "nonce=\"") + 7, 'x', 64);
	memset(strstr(again, "nonce=\"") + 7, 'x', 64);
	cr_assert_str_eq(text, again);
	free(text);
	free(again);
	// Bob's name and password for alice's address
	endpoint_init(&other, "bob", "builder");
	response = client_ask(&client, endpoint_register(&alice, 600, NULL));
	char header[2048];
	endpoint_answer(&other, response, header);
	assert_refused(client_ask(&client, endpoint_register(&alice, 600, header)), 401);
	// Alice's password under another name
	endpoint_answer(&alice, client_ask(&client, endpoint_register(&alice, 600, NULL)), header);
	memcpy(strstr(header, "username=\"alice\""), "username=\"a1ice\"", 16);
	assert_refused(client_ask(&client, endpoint_register(&alice, 600, header)), 401);
	cr_assert_eq(server_online(world.server), 0);
}

Test(server, replay)
{
	char header[2048];
	struct client thief;
	profile_free(response_profile(endpoint_login(&client, &alice, 600, header)));
	assert_refused(client_ask(&client, endpoint_register(&alice, 600, header)), 401);
	client_open(&world, &thief, world.tls);
	struct msg *response = client_ask(&thief, endpoint_register(&alice, 600, header));
	assert_refused(response, 401);
	client_close(&thief);
	// And the same with another count, which the response does not fit
	char *nc = strstr(header, "nc=00000001");
	cr_assert_not_null(nc);
	nc[10] = '2';
	assert_refused(client_ask(&client, endpoint_register(&alice, 600, header)), 401);
}

Test(server, nonce_can_be_used_again_with_a_higher_count)
{
	struct msg *response = client_ask(&client, endpoint_register(&alice, 600, NULL));
	char *challenge = strdup(msg_header(response, "WWW-Authenticate")), header[2048];
	for (uint32_t nc = 1; nc < 4; nc++) {
		digest_answer(challenge, "REGISTER", "sip:" DOMAIN, "alice", "wonderland", nc,
			header, sizeof(header));
		response = client_ask(&client, endpoint_register(&alice, 600, header));
		cr_assert_eq(msg_status(response), 200);
	}
	free(challenge);
}

Test(server, stale_nonce)
{
	char header[2048];
	server_free(world.server);
	world.config.nonce_lifetime_s = 1;
	world_start(&world);
	client_close(&client);
	client_open(&world, &client, world.tls);
	endpoint_answer(&alice, client_ask(&client, endpoint_register(&alice, 600, NULL)), header);
	usleep(1100000);
	struct msg *response = client_ask(&client, endpoint_register(&alice, 600, header));
	assert_refused(response, 401);
	cr_assert_not_null(strstr(msg_header(response, "WWW-Authenticate"), "stale=true"));
	endpoint_answer(&alice, response, header);
	cr_assert_eq(msg_status(client_ask(&client, endpoint_register(&alice, 600, header))), 200);
}

Test(server, client_certificate_is_required)
{
	struct client bare;
	client_open(&world, &bare, world.tls_bare);
	struct msg *response = client_ask(&bare, endpoint_register(&alice, 600, NULL));
	assert_refused(response, 403);
	cr_assert_str_eq(msg_reason(response), "Client Certificate Required");
	cr_assert_null(msg_header(response, "WWW-Authenticate"));
	client_close(&bare);
}

Test(server, log_out)
{
	profile_free(response_profile(endpoint_login(&client, &alice, 600, NULL)));
	profile_free(response_profile(endpoint_login(&client, &bob, 600, NULL)));
	struct msg *response = endpoint_login(&client, &alice, 0, NULL);
	size_t length;
	cr_assert_eq(msg_status(response), 200);
	cr_assert_null(msg_body(response, &length));
	cr_assert_eq(server_online(world.server), 1);
	struct profile *p = response_profile(endpoint_login(&client, &bob, 600, NULL));
	assert_peer(p, 0, "sip:alice@example.org", NULL);
	profile_free(p);
	// Contact: *
	strcpy(bob.contact, "*");
	assert_refused(endpoint_login(&client, &bob, 600, NULL), 400);
	cr_assert_eq(msg_status(endpoint_login(&client, &bob, 0, NULL)), 200);
	cr_assert_eq(server_online(world.server), 0);
}

Test(server, a_new_login_takes_the_place_of_the_old)
{
	struct endpoint second;
	endpoint_init(&second, "alice", "wonderland");
	strcpy(second.contact, "<sip:alice@127.0.0.1:7002;transport=tls>");
	profile_free(response_profile(endpoint_login(&client, &alice, 600, NULL)));
	profile_free(response_profile(endpoint_login(&client, &second, 600, NULL)));
	cr_assert_eq(server_online(world.server), 1);
	struct profile *p = response_profile(endpoint_login(&client, &bob, 600, NULL));
	assert_peer(p, 0, "sip:alice@example.org", "sip:alice@127.0.0.1:7002;transport=tls");
	profile_free(p);
	// The first device's logging out does not log out the second
	cr_assert_eq(msg_status(endpoint_login(&client, &alice, 0, NULL)), 200);
	cr_assert_eq(server_online(world.server), 2);
}

Test(server, expiry)
{
	profile_free(response_profile(endpoint_login(&client, &alice, 1, NULL)));
	profile_free(response_profile(endpoint_login(&client, &bob, 600, NULL)));
	world_sleep(&world, 0.2);
	cr_assert_eq(server_online(world.server), 2);
	world_sleep(&world, 2.2);
	cr_assert_eq(server_online(world.server), 1);
	struct profile *p = response_profile(endpoint_login(&client, &bob, 600, NULL));
	assert_peer(p, 0, "sip:alice@example.org", NULL);
	profile_free(p);
}

Test(server, expires_limits)
{
	server_free(world.server);
	world.config.expires_min_s = 60;
	world_start(&world);
	client_close(&client);
	client_open(&world, &client, world.tls);
	struct msg *response = endpoint_login(&client, &alice, 59, NULL);
	assert_refused(response, 423);
	cr_assert_str_eq(msg_header(response, "Min-Expires"), "60");
	static const struct {
		int asked;
		unsigned least, most;
	} cases[] = {{60, 60, 60}, {1000, 900, 1000}, {-1, 540, 600}, {1000000, 3240, 3600}};
	for (size_t i = 0; i < 4; i++) {
		struct profile *p =
			response_profile(endpoint_login(&client, &alice, cases[i].asked, NULL));
		cr_assert(p->expires_s >= cases[i].least && p->expires_s <= cases[i].most,
			"asked %d, got %u", cases[i].asked, p->expires_s);
		profile_free(p);
	}
	strcat(alice.contact, ";expires=120");
	struct profile *p = response_profile(endpoint_login(&client, &alice, 1000, NULL));
	cr_assert_leq(p->expires_s, 120, "the contact's own expiry counts first");
	profile_free(p);
}

Test(server, refreshes_are_spread)
{
	unsigned least = 600, most = 0;
	for (int i = 0; i < 40; i++) {
		struct profile *p = response_profile(endpoint_login(&client, &alice, 600, NULL));
		least = p->expires_s < least ? p->expires_s : least;
		most = p->expires_s > most ? p->expires_s : most;
		profile_free(p);
	}
	cr_assert_gt(most - least, 20);
}

Test(server, query)
{
	char contact[256];
	size_t length;
	profile_free(response_profile(endpoint_login(&client, &alice, 600, NULL)));
	alice.contact[0] = '\0';
	struct msg *response = endpoint_login(&client, &alice, -1, NULL);
	cr_assert_eq(msg_status(response), 200);
	cr_assert_null(msg_body(response, &length));
	cr_assert_str_eq(msg_contact(response, contact, sizeof(contact)),
		"sip:alice@127.0.0.1:7001;transport=tls");
	bob.contact[0] = '\0';
	response = endpoint_login(&client, &bob, -1, NULL);
	cr_assert_eq(msg_status(response), 200);
	cr_assert_null(msg_contact(response, contact, sizeof(contact)));
}

Test(server, contacts_that_are_refused)
{
	static const char *const contacts[] = {"<sip:alice@example.org:7001;transport=tls>",
		"<sip:alice@127.0.0.1:7001>", "<sips:alice@127.0.0.1:7001>",
		"<sip:a,b@127.0.0.1:7001;transport=tls>", "<tel:+15551234>"};
	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		strcpy(alice.contact, contacts[i]);
		assert_refused(endpoint_login(&client, &alice, 600, NULL), 400);
	}
	char header[2048];
	endpoint_init(&alice, "alice", "wonderland");
	endpoint_answer(&alice, client_ask(&client, endpoint_register(&alice, 600, NULL)), header);
	struct msg *two = endpoint_register(&alice, 600, header);
	msg_add_header(two, "Contact", "<sip:alice@127.0.0.1:7002;transport=tls>");
	assert_refused(client_ask(&client, two), 400);
	cr_assert_eq(server_online(world.server), 0);
}

Test(server, an_older_request_does_not_undo_a_newer)
{
	profile_free(response_profile(endpoint_login(&client, &alice, 600, NULL)));
	alice.cseq -= 2;
	assert_refused(endpoint_login(&client, &alice, 0, NULL), 400);
	cr_assert_eq(server_online(world.server), 1);
}

Test(server, changes_of_the_store_are_seen)
{
	profile_free(response_profile(endpoint_login(&client, &alice, 600, NULL)));
	world_user(&world, "eve", "dropper");
	world_permit(&world, "alice", "eve");
	store_forbid(world.admin, "sip:bob@example.org", "sip:alice@example.org");
	struct profile *p = response_profile(endpoint_login(&client, &alice, 600, NULL));
	cr_assert_eq(p->n_peers, 2);
	assert_peer(p, 0, "sip:carol@example.org", NULL);
	assert_peer(p, 1, "sip:eve@example.org", NULL);
	profile_free(p);
	store_user_del(world.admin, "sip:alice@example.org");
	assert_refused(endpoint_login(&client, &alice, 600, NULL), 401);
}

static bool see_binding(void *arg, const struct store_binding *b)
{
	(*(unsigned *)arg)++;
	(void)b;
	return true;
}

Test(server, restart)
{
	unsigned n = 0;
	profile_free(response_profile(endpoint_login(&client, &alice, 600, NULL)));
	profile_free(response_profile(endpoint_login(&client, &carol, 1, NULL)));
	world_sleep(&world, 0.3);
	store_bindings(world.admin, see_binding, &n);
	cr_assert_eq(n, 2, "status sees them");
	server_free(world.server);
	client_close(&client);
	usleep(2500000);
	world_start(&world);
	cr_assert_eq(server_online(world.server), 1, "carol has expired meanwhile");
	client_open(&world, &client, world.tls);
	struct profile *p = response_profile(endpoint_login(&client, &bob, 600, NULL));
	assert_peer(p, 0, "sip:alice@example.org", "sip:alice@127.0.0.1:7001;transport=tls");
	profile_free(p);
}

Test(server, binding_outlives_its_connection)
{
	struct client other;
	client_open(&world, &other, world.tls);
	profile_free(response_profile(endpoint_login(&other, &alice, 600, NULL)));
	client_close(&other);
	world_sleep(&world, 0.3);
	struct profile *p = response_profile(endpoint_login(&client, &bob, 600, NULL));
	assert_peer(p, 0, "sip:alice@example.org", "sip:alice@127.0.0.1:7001;transport=tls");
	profile_free(p);
}

Test(server, too_many_failures)
{
	server_free(world.server);
	world.config.failures_per_minute = 5;
	world_start(&world);
	client_close(&client);
	client_open(&world, &client, world.tls);
	struct endpoint wrong;
	endpoint_init(&wrong, "alice", "guess");
	for (int i = 0; i < 6; i++)
		assert_refused(endpoint_login(&client, &wrong, 600, NULL), 401);
	struct msg *response = endpoint_login(&client, &wrong, 600, NULL);
	assert_refused(response, 503);
	int wait = atoi(msg_header(response, "Retry-After"));
	cr_assert(wait >= 1 && wait <= 13, "%d", wait);
	// Whoever guesses locks his own address out, not alice's account: others still get through
	// (here from the same address, so it is the limit that is asked)
	assert_refused(endpoint_login(&client, &bob, 600, NULL), 503);
}

Test(server, five_thousand_peers)
{
	char user[32], aor[64], contact[128];
	struct binding_table *table = binding_table_new();
	struct binding_login login = {.aor = aor,
		.contact = contact,
		.fingerprint = world.fingerprint,
		.source = "127.0.0.1:1",
		.call_id = "",
		.expires_s = 600};
	cr_assert_eq(store_begin(world.admin), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(user, sizeof(user), "user%04d", i);
		world_user(&world, user, "p");
		snprintf(aor, sizeof(aor), "sip:%s@" DOMAIN, user);
		snprintf(contact, sizeof(contact), "sip:%s@127.0.0.1:7001;transport=tls", user);
		store_permit(world.admin, "sip:dave@" DOMAIN, aor);
		if (i % 100 != 0)
			binding_put(table, &login, false);
	}
	cr_assert_eq(store_commit(world.admin), 0);
	cr_assert_eq(store_save(world.admin, table, 5000), 0);
	binding_table_free(table);
	server_free(world.server);
	client_close(&client);
	world_start(&world); // finds them online in the store
	client_open(&world, &client, world.tls);

	struct endpoint dave;
	size_t length;
	endpoint_init(&dave, "dave", "diver");
	for (int round = 0; round < 3; round++) {
		struct msg *response = endpoint_login(&client, &dave, 600, NULL);
		struct profile *p = response_profile(response);
		msg_body(response, &length);
		cr_assert_gt(length, 1000000);
		cr_assert_eq(p->n_peers, 5000);
		for (size_t i = 0; i < p->n_peers; i++)
			cr_assert_eq(p->peers[i].online, i % 100 != 0, "%s", p->peers[i].aor);
		profile_free(p);
	}
}
