// SPDX-License-Identifier: BSD-3-Clause
// What the access server refuses: other methods, wrong addresses, hostile credentials.
#include "tests/unit/access_world.h"

static struct access_world world;
static struct client client;
static struct endpoint alice;

static void setup(void)
{
	world_setup(&world);
	world_user(&world, "alice", "wonderland");
	client_open(&world, &client, world.tls);
	endpoint_init(&alice, "alice", "wonderland");
}

static void teardown(void)
{
	client_close(&client);
	world_teardown(&world);
}

TestSuite(hostile, .init = setup, .fini = teardown);

static struct msg *request(const char *method, const char *uri, const char *from, const char *to)
{
	return msg_new_request(&(struct msg_request){.method = method,
		.uri = uri,
		.from = from,
		.from_tag = "t",
		.to = to,
		.call_id = "x",
		.sent_by = "127.0.0.1:7001",
		.cseq = 1});
}

Test(hostile, other_methods)
{
	static const struct {
		const char *method;
		int status;
	} cases[] = {{"OPTIONS", 200}, {"INVITE", 401}, {"BYE", 405}, {"PUBLISH", 405},
		{"SUBSCRIBE", 405}, {"MESSAGE", 405}, {"CANCEL", 481}, {"NONSENSE", 501}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg *response = client_ask(
			&client, request(cases[i].method, "sip:bob@example.org",
					 "sip:alice@example.org", "sip:bob@example.org"));
		cr_assert_eq(msg_status(response), cases[i].status, "%s: %d", cases[i].method,
			msg_status(response));
		if (cases[i].status != 481 && cases[i].status != 401)
			cr_assert_str_eq(
				msg_header(response, "Allow"), "REGISTER, INVITE, ACK, OPTIONS");
	}
	// ACK and responses are not answered
	unsigned before = client.n_messages;
	struct msg *ack = request(
		"ACK", "sip:bob@example.org", "sip:alice@example.org", "sip:bob@example.org");
	struct msg *stray = msg_new_response(ack, 200, NULL, NULL);
	conn_send(client.conn, ack);
	conn_send(client.conn, stray);
	msg_free(ack);
	msg_free(stray);
	world_sleep(&world, 0.1);
	cr_assert_eq(client.n_messages, before);
	cr_assert_not(client.closed);
}

Test(hostile, wrong_addresses)
{
	static const struct {
		const char *uri, *from, *to;
		int status;
	} cases[] = {
		{"sip:example.org", "sip:alice@example.org", "sip:alice@example.org", 401},
		{"sip:EXAMPLE.org", "sip:alice@example.org", "sip:alice@Example.ORG", 401},
		{"sip:example.com", "sip:alice@example.com", "sip:alice@example.com", 404},
		{"sip:example.org", "sip:alice@example.com", "sip:alice@example.com", 404},
		{"sip:example.org", "sip:bob@example.org", "sip:alice@example.org", 403},
		{"sip:example.org", "sip:example.org", "sip:example.org", 400},
		{"tel:+1", "sip:alice@example.org", "sip:alice@example.org", 416},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(client_ask(&client, request("REGISTER", cases[i].uri, cases[i].from,
							   cases[i].to)),
			cases[i].status);
}

Test(hostile, require)
{
	struct msg *msg = endpoint_register(&alice, 600, NULL);
	msg_add_header(msg, "Require", "outbound");
	struct msg *response = client_ask(&client, msg);
	assert_refused(response, 420);
	cr_assert_str_eq(msg_header(response, "Unsupported"), "outbound");
}

Test(hostile, hostile_credentials)
{
	static const char *const headers[] = {"", "Digest", "Digest x", "Bearer abc", "Basic abc",
		"Digest username=\"alice\"", "Digest username=\"alice\", username=\"bob\"",
		"Digest username=\"alice\", realm=\"example.org\", nonce=\"x\", uri=\"sip:example.org\","
		" response=\"00\", cnonce=\"c\", qop=auth, nc=00000001, algorithm=MD5",
		"Digest username=\"alice\", realm=\"example.org\", nonce=\"x\", uri=\"sip:bob\","
		" response=\"00\", cnonce=\"c\", qop=auth, nc=00000001, algorithm=SHA-256",
		"Digest username=\"alice\", realm=\"other\", nonce=\"x\", uri=\"sip:example.org\","
		" response=\"00\", cnonce=\"c\", qop=auth, nc=00000001, algorithm=SHA-256"};
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct msg *response =
			client_ask(&client, endpoint_register(&alice, 600, headers[i]));
		assert_refused(response, msg_status(response) == 400 ? 400 : 401);
	}
	// Two sets of credentials for this realm
	char header[2048];
	endpoint_answer(&alice, client_ask(&client, endpoint_register(&alice, 600, NULL)), header);
	struct msg *twice = endpoint_register(&alice, 600, header);
	msg_add_header(twice, "Authorization", header);
	assert_refused(client_ask(&client, twice), 400);
	cr_assert_eq(server_online(world.server), 0);
}

Test(hostile, algorithm_cannot_be_talked_down)
{
	struct msg *response = client_ask(&client, endpoint_register(&alice, 600, NULL));
	char header[2048];
	cr_assert_null(strcasestr(msg_header(response, "WWW-Authenticate"), "md5"));
	endpoint_answer(&alice, response, header);
	memcpy(strstr(header, "algorithm=SHA-256"), "algorithm=MD5,x=1", 17);
	assert_refused(client_ask(&client, endpoint_register(&alice, 600, header)), 401);
}
