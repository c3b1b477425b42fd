// SPDX-License-Identifier: BSD-3-Clause
// Transactions between two ends on a real TLS connection: responses, time-outs, CANCEL, ACK, loss.
#include "tests/unit/sip_world.h"

#include <errno.h>

#include "control/sip/transaction.h"

#define MANY 5000

static struct world world;
static struct transaction_table *client, *server;
static struct conn *conn; // the client's

// What the client's callbacks were told.
static struct {
	unsigned calls, failures, last_status, sum;
	char why[128];
	struct transaction *transaction; // to be cancelled at the first provisional response
} seen;

// What the server does and was told.
static struct {
	int status; // answered at once; 0: nothing
	int first;  // a provisional status before it
	unsigned requests, acks, ended, cancelled, lost;
	struct transaction *invite;
	struct msg *request;
} served;

static void on_response(void *arg, const struct msg *response, const char *why)
{
	seen.calls++;
	seen.sum += (unsigned)(uintptr_t)arg;
	if (response == NULL) {
		seen.failures++;
		snprintf(seen.why, sizeof(seen.why), "%s", why);
		return;
	}
	seen.last_status = (unsigned)msg_status(response);
	if (msg_status(response) < 200 && seen.transaction != NULL)
		transaction_cancel(seen.transaction);
}

static void on_end(void *arg, enum transaction_end end, const char *why)
{
	(void)arg, (void)why;
	served.ended++;
	if (end == TRANSACTION_LOST) {
		served.lost++;
		served.invite = NULL;
		return;
	}
	served.cancelled++;
	transaction_answer(served.invite, msg_new_response(served.request, 487, NULL, "s"));
	served.invite = NULL;
}

static void answer(struct conn *from, const struct msg *request, int status)
{
	struct msg *response = msg_new_response(request, status, NULL, "s");

	cr_assert(eq(int, conn_send(from, response), 0));
	msg_free(response);
}

static void serve_invite(struct conn *from, const struct msg *request)
{
	served.invite = transaction_serve(server, from, request, on_end, NULL);
	cr_assert(ne(ptr, served.invite, NULL));
	msg_free(served.request);
	served.request = NULL;
	size_t length;
	char error[128], *text = msg_text((struct msg *)request, &length);
	served.request = msg_parse(text, length, error);
	free(text);
	if (served.first != 0)
		transaction_answer(
			served.invite, msg_new_response(request, served.first, NULL, "s"));
	if (served.status != 0) {
		transaction_answer(
			served.invite, msg_new_response(request, served.status, NULL, "s"));
		served.invite = NULL;
	}
}

static void server_message(void *user, struct conn *from, struct msg *msg)
{
	(void)user;
	world.server.conn = from;
	if (transaction_receive(server, from, msg))
		return;
	served.requests++;
	if (strcmp(msg_method(msg), "ACK") == 0)
		served.acks++;
	else if (strcmp(msg_method(msg), "INVITE") == 0)
		serve_invite(from, msg);
	else if (served.status != 0)
		answer(from, msg, served.status);
	msg_free(msg);
}

static unsigned strays;

static void client_message(void *user, struct conn *from, struct msg *msg)
{
	(void)user;
	if (transaction_receive(client, from, msg))
		return;
	strays++;
	msg_free(msg);
}

static void init(void)
{
	static const struct conn_callbacks server_callbacks = {
		.message = server_message, .ready = world_ready, .closed = world_closed};
	static const struct conn_callbacks client_callbacks = {
		.message = client_message, .ready = world_ready, .closed = world_closed};
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct conn_limits limits = {.messages_per_s = 100000};
	char pin[TLS_FINGERPRINT_MAX];

	world_init(&world);
	client = transaction_table_new(world.base);
	server = transaction_table_new(world.base);
	world.listener = conn_listen(world.base, (struct sockaddr *)&any, sizeof(any),
		world.server_tls, &limits, &server_callbacks, &world.server);
	cr_assert(eq(int, conn_listener_address(world.listener, &world.address), 0));
	tls_fingerprint_file(world.server_cert, pin);
	conn = conn_connect(world.base, (struct sockaddr *)&world.address,
		sizeof(struct sockaddr_in), world.client_tls,
		&(struct conn_verify){.fingerprint = pin}, &limits, &client_callbacks,
		&world.client);
	cr_assert(world_wait(&world, &world.client.ready, 1), "%s", world.client.why);
	cr_assert(world_wait(&world, &world.server.ready, 1));
}

static void fini(void)
{
	if (world.client.conn != NULL)
		conn_close(world.client.conn);
	conn_listener_free(world.listener);
	world.listener = NULL;
	world_run(&world, 20);
	transaction_table_free(client);
	transaction_table_free(server);
	msg_free(served.request);
	world_fini(&world);
}

TestSuite(sip_transaction, .init = init, .fini = fini, .timeout = 30);

static struct transaction *request(const char *method, unsigned timeout_ms, uintptr_t arg)
{
	return transaction_send(
		client, conn, world_request(method, 1), timeout_ms, on_response, (void *)arg);
}

Test(sip_transaction, request_and_response)
{
	served.status = 200;
	cr_assert(ne(ptr, request("PUBLISH", 0, 7), NULL));
	cr_expect(eq(uint, transaction_count(client), 1));
	cr_assert(world_wait(&world, &seen.calls, 1));
	cr_expect(eq(uint, seen.last_status, 200));
	cr_expect(eq(uint, seen.sum, 7));
	cr_expect(eq(uint, transaction_count(client), 0));
}

Test(sip_transaction, each_of_many_gets_its_own)
{
	served.status = 202;
	for (uintptr_t i = 1; i <= MANY; i++)
		cr_assert(ne(ptr, request(i % 2 == 0 ? "PUBLISH" : "OPTIONS", 0, i), NULL));
	cr_assert(world_wait(&world, &seen.calls, MANY));
	cr_expect(eq(uint, seen.sum, MANY * (MANY + 1) / 2));
	cr_expect(eq(uint, seen.failures, 0));
	cr_expect(eq(uint, transaction_count(client), 0));
}

Test(sip_transaction, silence_ends_in_time)
{
	double begun = world_now();
	struct msg *late;

	request("PUBLISH", 200, 1);
	cr_assert(world_wait(&world, &seen.failures, 1));
	cr_expect(eq(str, seen.why, "no response in time"));
	cr_expect(world_now() - begun > 0.19 && world_now() - begun < 2);
	late = world_request("PUBLISH", 1);
	answer(world.server.conn, late, 200);
	msg_free(late);
	cr_assert(world_wait(&world, &strays, 1), "a late response is the caller's");
	cr_expect(eq(uint, seen.calls, 1));
}

Test(sip_transaction, provisional_response_stops_the_timer)
{
	served.first = 180;
	request("INVITE", 100, 1);
	cr_assert(world_wait(&world, &seen.calls, 1));
	cr_expect(eq(uint, seen.last_status, 180));
	world_run(&world, 250);
	cr_expect(eq(uint, seen.failures, 0));
	transaction_answer(served.invite, msg_new_response(served.request, 200, NULL, "s"));
	cr_assert(world_wait(&world, &seen.calls, 2));
	cr_expect(eq(uint, seen.last_status, 200));
	cr_expect(eq(uint, transaction_count(server), 0));
	world_run(&world, 50);
	cr_expect(eq(uint, served.acks, 0), "the ACK for a 2xx is not the transaction's");
}

Test(sip_transaction, trying_is_not_told)
{
	served.first = 100;
	served.status = 486;
	request("INVITE", 0, 1);
	cr_assert(world_wait(&world, &seen.calls, 1));
	cr_expect(eq(uint, seen.last_status, 486));
}

Test(sip_transaction, refusal_is_acknowledged_and_the_ack_absorbed)
{
	served.status = 603;
	request("INVITE", 0, 1);
	cr_assert(world_wait(&world, &seen.calls, 1));
	cr_expect(eq(uint, seen.last_status, 603));
	for (unsigned i = 0; i < 100 && transaction_count(server) > 0; i++)
		world_run(&world, 10);
	cr_expect(eq(uint, transaction_count(server), 0));
	cr_expect(eq(uint, served.acks, 0));
}

Test(sip_transaction, cancel_while_it_rings)
{
	served.first = 180;
	seen.transaction = request("INVITE", 0, 1);
	cr_assert(world_wait(&world, &served.cancelled, 1));
	cr_assert(world_wait(&world, &seen.calls, 2));
	cr_expect(eq(uint, seen.last_status, 487));
	world_run(&world, 50);
	cr_expect(eq(uint, transaction_count(client), 0));
	cr_expect(eq(uint, transaction_count(server), 0));
	cr_expect(eq(uint, strays, 0), "the response to CANCEL is consumed");
}

Test(sip_transaction, cancel_waits_for_the_first_response)
{
	struct transaction *invite = request("INVITE", 0, 1);

	transaction_cancel(invite);
	cr_assert(world_wait(&world, &served.requests, 1));
	world_run(&world, 50);
	cr_expect(eq(uint, served.cancelled, 0));
	transaction_answer(served.invite, msg_new_response(served.request, 180, NULL, "s"));
	cr_assert(world_wait(&world, &served.cancelled, 1));
	for (unsigned i = 0; i < 100 && seen.last_status != 487; i++)
		world_run(&world, 10);
	cr_expect(eq(uint, seen.last_status, 487));
}

Test(sip_transaction, cancel_of_nothing_is_481)
{
	struct msg *invite = world_request("INVITE", 5), *cancel = msg_new_cancel(invite);

	cr_expect(eq(str, (char *)msg_branch(cancel), (char *)msg_branch(invite)));
	cr_expect(eq(uint, msg_cseq(cancel), 5));
	cr_expect(eq(str, (char *)msg_method(cancel), "CANCEL"));
	conn_send(conn, cancel);
	world_run(&world, 100);
	cr_expect(eq(uint, served.requests, 0), "answered without the owner");
	msg_free(invite);
	msg_free(cancel);
}

Test(sip_transaction, cancel_on_another_connection_does_nothing)
{
	struct msg *invite = world_request("INVITE", 5), *cancel = msg_new_cancel(invite);
	struct conn *other = world_connect_pinned(&world, NULL);

	served.first = 180;
	cr_assert(ne(ptr, transaction_send(client, conn, invite, 0, on_response, NULL), NULL));
	cr_assert(world_wait(&world, &seen.calls, 1));
	conn_send(other, cancel);
	world_run(&world, 100);
	cr_expect(eq(uint, served.cancelled, 0));
	msg_free(cancel);
	conn_close(other);
}

Test(sip_transaction, lost_connection_fails_all_at_once)
{
	for (uintptr_t i = 0; i < 100; i++)
		request("PUBLISH", 0, 1);
	cr_assert(world_wait(&world, &served.requests, 100));
	conn_abort(world.server.conn);
	cr_assert(world_wait(&world, &seen.failures, 100));
	cr_expect(eq(int, strncmp(seen.why, "connection lost: ", 17), 0), "%s", seen.why);
	cr_expect(eq(uint, transaction_count(client), 0));
}

Test(sip_transaction, closing_by_oneself_is_told_from_the_loop)
{
	struct transaction *transaction = request("PUBLISH", 0, 1);

	request("PUBLISH", 0, 1);
	conn_close(conn);
	world.client.conn = NULL;
	cr_expect(eq(uint, seen.calls, 0));
	transaction_forget(transaction);
	cr_assert(world_wait(&world, &seen.failures, 1));
	world_run(&world, 20);
	cr_expect(eq(uint, seen.calls, 1), "not the one that was forgotten");
	cr_expect(eq(uint, transaction_count(client), 0));
}

Test(sip_transaction, server_is_told_of_a_lost_caller)
{
	served.first = 180;
	request("INVITE", 0, 1);
	cr_assert(world_wait(&world, &seen.calls, 1));
	conn_abort(conn);
	world.client.conn = NULL;
	cr_assert(world_wait(&world, &served.lost, 1));
	cr_expect(eq(uint, transaction_count(server), 0));
}

Test(sip_transaction, an_invite_twice_is_one)
{
	struct msg *invite = world_request("INVITE", 1);

	served.first = 180;
	conn_send(conn, invite);
	conn_send(conn, invite);
	cr_assert(world_wait(&world, &served.requests, 1));
	world_run(&world, 100);
	cr_expect(eq(uint, served.requests, 1));
	cr_expect(eq(uint, transaction_count(server), 1));
	msg_free(invite);
}

Test(sip_transaction, other_responses_are_not_taken)
{
	struct msg *publish = world_request("PUBLISH", 1), *response, *forged;

	cr_assert(ne(ptr, transaction_send(client, conn, publish, 0, on_response, NULL), NULL));
	forged = world_request("PUBLISH", 1); // another branch
	response = msg_new_response(forged, 200, NULL, NULL);
	conn_send(world.server.conn, response);
	cr_assert(world_wait(&world, &strays, 1));
	cr_expect(eq(uint, seen.calls, 0));
	msg_free(response);
	msg_free(forged);
}

Test(sip_transaction, sending_on_a_dead_connection_fails)
{
	struct msg *msg = world_request("PUBLISH", 1);

	osip_list_t *params = &((osip_via_t *)osip_list_get(&msg->sip->vias, 0))->via_params;
	osip_generic_param_freelist(params);
	osip_list_init(params);
	errno = 0;
	cr_expect(eq(ptr, transaction_send(client, conn, msg, 0, on_response, NULL), NULL));
	cr_expect(eq(int, errno, EINVAL));
	cr_expect(eq(uint, transaction_count(client), 0));
	cr_expect(eq(uint, seen.calls, 0));
}
