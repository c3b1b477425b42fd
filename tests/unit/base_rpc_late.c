// SPDX-License-Identifier: BSD-3-Clause
// The JSON-RPC server's late answers and events, and clients that go or do not read.
#include "tests/unit/base_rpc.h"

TestSuite(rpc_late, .init = setup, .fini = teardown);

Test(rpc_late, later)
{
	int fd = dial();

	put(fd, CALL("1", "later", "") "\n", strlen(CALL("1", "later", "")) + 1);
	cr_expect(is_alive(fd), "another request overtakes");
	rpc_reply(late, json_integer(7));
	json_t *answer = get(fd);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 7);
	json_decref(answer);
	put(fd, CALL("2", "later", "") "\n", strlen(CALL("2", "later", "")) + 1);
	rpc_fail_data(late, "status", json_integer(486));
	rpc_reply_fail(late, RPC_REFUSED, "to", "busy %d", 486);
	answer = get(fd);
	json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	cr_expect_eq(json_integer_value(json_object_get(data, "status")), 486);
	cr_expect_str_eq(error_field(answer), "to");
	cr_expect_eq(error_code(answer), RPC_REFUSED);
	cr_expect_str_eq(error_text(answer), "busy 486");
	json_decref(answer);
	close(fd);
}

Test(rpc_late, client_gone_before_the_late_answer)
{
	int fd = dial();

	put(fd, CALL("1", "later", "") "\n", strlen(CALL("1", "later", "")) + 1);
	close(fd);
	turn();
	cr_expect_eq(gone, 1);
	cr_expect_null(rpc_call_conn(late));
	rpc_reply(late, json_integer(7));

	fd = dial();
	put(fd, CALL("1", "later", "") "\n", strlen(CALL("1", "later", "")) + 1);
	close(fd);
	// The server has not noticed yet
	rpc_reply_fail(late, RPC_REFUSED, NULL, "too late");
	turn();
	cr_expect_eq(gone, 2);
}

Test(rpc_late, half_closed_client_gets_its_late_answer)
{
	int fd = dial();

	put(fd, CALL("1", "later", ""), strlen(CALL("1", "later", "")));
	shutdown(fd, SHUT_WR);
	turn();
	cr_expect_eq(gone, 0);
	rpc_reply(late, json_integer(8));
	json_t *answer = get(fd);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 8);
	json_decref(answer);
	turn();
	cr_expect_eq(gone, 1);
	close(fd);
}

Test(rpc_late, events)
{
	int a = dial(), b = dial();

	json_decref(ask(a, CALL("1", "subscribe", "") "\n"));
	rpc_notify_all(server, "call", json_pack("{s:i}", "n", 1));
	json_t *event = get(a);
	cr_expect_str_eq(json_string_value(json_object_get(event, "method")), "call");
	cr_expect_null(json_object_get(event, "id"));
	json_decref(event);
	cr_expect_null(get(b));
	// A subscriber that has shut its own side down still listens, and is noticed when it goes
	shutdown(a, SHUT_WR);
	turn();
	cr_expect_eq(gone, 0);
	rpc_notify_all(server, "call", NULL);
	event = get(a);
	cr_expect_not_null(event);
	json_decref(event);
	close(a);
	turn();
	cr_expect_eq(gone, 1);
	close(b);
}

Test(rpc_late, subscriber_that_does_not_read)
{
	char *text = malloc(10001);
	int slow = dial(), good = dial();

	memset(text, 't', 10000);
	text[10000] = '\0';
	json_decref(ask(slow, CALL("1", "subscribe", "") "\n"));
	json_decref(ask(good, CALL("1", "subscribe", "") "\n"));
	size_t before = resident_bytes();
	unsigned got = 0;
	for (int i = 0; i < 2000; i++) {
		rpc_notify_all(server, "event", json_pack("{s:s}", "text", text));
		json_t *event = get(good);
		got += event != NULL;
		json_decref(event);
	}
	cr_expect_eq(got, 2000);
	cr_expect_eq(gone, 1);
	cr_expect_leq(resident_bytes(), before + (16u << 20) + RESIDENT_SLACK);
	close(slow);
	close(good);
	free(text);
}

Test(rpc_late, client_that_asks_but_does_not_read)
{
	static char line[4096];
	int fd = dial();
	unsigned sent = 0, got = 0;

	snprintf(line, sizeof(line), CALL("1", "echo", ",\"params\":{\"t\":\"%02000d\"}") "\n", 1);
	size_t before = resident_bytes();
	for (int full = 0; full < 100; event_base_loop(base, EVLOOP_NONBLOCK)) {
		ssize_t n = send(fd, line, strlen(line), 0);

		full = n < 0 ? full + 1 : 0;
		sent += n > 0;
		cr_assert(n < 0 || n == (ssize_t)strlen(line));
		cr_assert_leq(sent, 20000u, "it is read without end");
	}
	cr_expect_leq(resident_bytes(), before + (8u << 20) + RESIDENT_SLACK);
	cr_expect_gt(sent, 100u);
	for (json_t *answer; (answer = get(fd)); got++)
		json_decref(answer);
	cr_expect_eq(got, sent, "%u answers for %u requests", got, sent);
	close(fd);
}

Test(rpc_late, calls_unanswered_are_bounded)
{
	static const char line[] = CALL("1", "later", "") "\n";
	int fd = dial();
	unsigned n = 0;

	char *many = malloc(1000 * strlen(line) + 1);
	for (int i = 0; i < 1000; i++)
		strcpy(many + i * strlen(line), line);
	put(fd, many, 1000 * strlen(line)); // at once: small ones fill the socket
	free(many);
	struct rpc_conn *conn = rpc_call_conn(late);
	while (!TAILQ_EMPTY(&conn->calls)) {
		cr_assert_leq(conn->n_calls, (unsigned)RPC_CALLS_MAX);
		rpc_reply(TAILQ_FIRST(&conn->calls), json_true());
		n++;
		turn();
	}
	cr_expect_eq(n, 1000);
	close(fd);
}
