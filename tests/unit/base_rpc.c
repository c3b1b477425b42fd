// SPDX-License-Identifier: BSD-3-Clause
// The JSON-RPC server against clients of every kind: wrong, slow, gone, greedy. One thread: the
// tests write to the socket and turn the event loop in between.
#include "engine/base/rpc_private.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/rpc_socket.h"
#include "tests/fuzz/rpc_line.c"

static struct event_base *base;
static struct rpc_server *server;
static char folder[64], path[96];
static struct rpc_call *late;
static unsigned handled, gone;

static json_t *do_later(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	late = call;
	return RPC_LATER;
}

static json_t *do_at_once(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	rpc_reply(call, json_string("at once"));
	return RPC_LATER;
}

static json_t *do_fail(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	return rpc_fail(call, RPC_IN_USE, "wire.local", "wire.local: %s", "taken");
}

static json_t *do_nothing(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)call;
	(void)params;
	return NULL;
}

static json_t *do_count(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)call;
	(void)params;
	return json_integer(++handled);
}

static json_t *do_subscribe(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	rpc_conn_subscribe(rpc_call_conn(call), true);
	return json_object();
}

static const struct rpc_method methods[] = {{"echo", fuzz_echo}, {"typed", fuzz_typed},
	{"later", do_later}, {"at_once", do_at_once}, {"fail", do_fail}, {"nothing", do_nothing},
	{"count", do_count}, {"subscribe", do_subscribe}, {NULL, NULL}};

static void on_gone(void *user, struct rpc_conn *conn)
{
	(void)user;
	(void)conn;
	gone++;
}

static void setup(void)
{
	signal(SIGPIPE, SIG_DFL); // nothing may depend on its being ignored
	strcpy(folder, "/tmp/crowfly-rpc-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run/t.sock", folder);
	base = event_base_new();
	server = rpc_server_new(base, path, methods, NULL);
	cr_assert_not_null(server, "%s", strerror(errno));
	rpc_server_on_close(server, on_gone);
}

static void teardown(void)
{
	rpc_server_free(server);
	event_base_free(base);
	cr_expect_neq(access(path, F_OK), 0, "the socket was left behind");
	*strrchr(path, '/') = '\0';
	rmdir(path);
	cr_expect_eq(rmdir(folder), 0);
}

TestSuite(rpc, .init = setup, .fini = teardown);

static void turn(void)
{
	for (int i = 0; i < 8; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static int dial(void)
{
	int fd = rpc_socket_connect(path, SOCK_NONBLOCK);

	cr_assert_geq(fd, 0);
	turn();
	return fd;
}

// Writes all, turning the loop whenever the socket is full.
static bool put(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		data += n > 0 ? n : 0;
		size -= n > 0 ? n : 0;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	turn();
	return true;
}

// The next answer; NULL if there is none, with errno 0 at the end of the connection.
static json_t *get(int fd)
{
	json_t *object = NULL;

	for (int i = 0; !object && i < 50; i++) {
		turn();
		object = rpc_read_blocking(fd);
		if (!object && errno != EAGAIN)
			break;
	}
	return object;
}

static json_t *ask(int fd, const char *line)
{
	cr_assert(put(fd, line, strlen(line)));
	return get(fd);
}

static int error_code(json_t *answer)
{
	return json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
}

static const char *error_field(json_t *answer)
{
	json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	const char *field = json_string_value(json_object_get(data, "field"));

	return field ? field : "";
}

static const char *error_text(json_t *answer)
{
	return json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
}

// Whether the connection still answers.
static bool is_alive(int fd)
{
	json_t *answer = ask(fd, "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"echo\"}\n");
	bool ok = json_integer_value(json_object_get(answer, "id")) == 99;

	json_decref(answer);
	return ok;
}

static size_t resident_bytes(void)
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	cr_assert_eq(fscanf(file, "%*u %zu", &pages), 1);
	fclose(file);
	return pages * 4096;
}

// What the sanitizer holds back does not count.
#ifdef __SANITIZE_ADDRESS__
#define RESIDENT_SLACK (1u << 30)
#else
#define RESIDENT_SLACK 0
#endif

#define CALL(id, method, rest)                                                                     \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"" rest "}"

Test(rpc, bad_requests)
{
	static const struct {
		const char *line;
		int code;
		const char *field, *text, *id; // id: "null", "1"
	} cases[] = {
		{"nonsense", RPC_PARSE_ERROR, "", "not JSON: syntax", "null"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,", RPC_PARSE_ERROR, "", "ends too early", "null"},
		{"{} {}", RPC_PARSE_ERROR, "", "more than one value", "null"},
		{"{\"id\":1,\"id\":2}", RPC_PARSE_ERROR, "", "stands twice", "null"},
		{"{\"id\":\"\xff\"}", RPC_PARSE_ERROR, "", "not UTF-8", "null"},
		{"{\"id\":\"\\u0000\"}", RPC_PARSE_ERROR, "", "a NUL", "null"},
		{"{\"id\":1e999}", RPC_PARSE_ERROR, "", "too big", "null"},
		{"GET / HTTP/1.1", RPC_PARSE_ERROR, "", "not JSON", "null"},
		{"[]", RPC_INVALID_REQUEST, "", "batches", "null"},
		{"[" CALL("1", "echo", "") "]", RPC_INVALID_REQUEST, "", "batches", "null"},
		{"1", RPC_INVALID_REQUEST, "", "an object", "null"},
		{"null", RPC_INVALID_REQUEST, "", "an object", "null"},
		{"{}", RPC_INVALID_REQUEST, "jsonrpc", "expected \"2.0\"", "null"},
		{"{\"id\":1,\"method\":\"echo\"}", RPC_INVALID_REQUEST, "jsonrpc", "\"2.0\"", "1"},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}", RPC_INVALID_REQUEST,
			"jsonrpc", "\"2.0\"", "1"},
		{"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"echo\"}", RPC_INVALID_REQUEST, "jsonrpc",
			"\"2.0\"", "1"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_INVALID_REQUEST, "method", "a string", "1"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", RPC_INVALID_REQUEST, "method",
			"a string", "1"},
		{"{\"jsonrpc\":\"2.0\",\"method\":7}", RPC_INVALID_REQUEST, "method", "a string",
			"null"},
		{CALL("{}", "echo", ""), RPC_INVALID_REQUEST, "id", "a number or a string", "null"},
		{CALL("true", "echo", ""), RPC_INVALID_REQUEST, "id", "a number", "null"},
		{CALL("1", "echo", ",\"parms\":{}"), RPC_INVALID_REQUEST, "parms",
			"unknown member 'parms'", "1"},
		{CALL("1", "echo", ",\"params\":[1]"), RPC_INVALID_PARAMS, "params", "by name",
			"1"},
		{CALL("1", "echo", ",\"params\":\"x\""), RPC_INVALID_PARAMS, "params", "an object",
			"1"},
		{CALL("1", "nope", ""), RPC_METHOD_NOT_FOUND, "method", "unknown method 'nope'",
			"1"},
		{CALL("1", "", ""), RPC_METHOD_NOT_FOUND, "method", "unknown method ''", "1"},
		{CALL("1", "fail", ""), RPC_IN_USE, "wire.local", "wire.local: taken", "1"},
		{CALL("1", "nothing", ""), RPC_INTERNAL_ERROR, "", "no result", "1"},
		{CALL("1", "typed", ""), RPC_INVALID_PARAMS, "s", "s: missing", "1"},
		{CALL("1", "typed", ",\"params\":{\"s\":1}"), RPC_INVALID_PARAMS, "s", "a string",
			"1"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"123456789\"}"), RPC_INVALID_PARAMS, "s",
			"at most 8 bytes, got 9", "1"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"n\":-1}"), RPC_INVALID_PARAMS, "n",
			"an integer from 0 to 1000", "1"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"n\":1001}"), RPC_INVALID_PARAMS, "n",
			"from 0 to 1000", "1"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"n\":1.5}"), RPC_INVALID_PARAMS, "n",
			"an integer", "1"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"b\":1}"), RPC_INVALID_PARAMS, "b",
			"true or false", "1"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"x\":1}"), RPC_INVALID_PARAMS, "x",
			"unknown field 'x' (known: s, n, b)", "1"},
	};
	int fd = dial();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(fd, cases[i].line, strlen(cases[i].line));
		json_t *answer = ask(fd, "\n");
		char *id = json_dumps(json_object_get(answer, "id"), JSON_ENCODE_ANY);
		char *result = json_dumps(json_object_get(answer, "result"), JSON_ENCODE_ANY);

		cr_assert_not_null(answer, "%s: no answer", cases[i].line);
		cr_expect_eq(error_code(answer), cases[i].code, "%s: %s", cases[i].line,
			error_text(answer));
		cr_expect_str_eq(error_field(answer), cases[i].field, "%s", cases[i].line);
		cr_expect(strstr(error_text(answer), cases[i].text), "%s: %s", cases[i].line,
			error_text(answer));
		cr_expect_str_eq(id, cases[i].id, "%s", cases[i].line);
		cr_expect_null(result);
		free(id);
		free(result);
		json_decref(answer);
	}
	cr_expect(is_alive(fd), "bad requests must not cost the connection");
	close(fd);
}

Test(rpc, good_requests)
{
	static const struct {
		const char *line, *answer;
	} cases[] = {
		{CALL("1", "echo", ""), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"},
		{CALL("\"a\"", "echo", ",\"params\":{\"x\":[1.5]}"),
			"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"x\":[1.5]}}"},
		{CALL("null", "echo", ""), "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}"},
		{" " CALL("-7", "typed",
			 ",\"params\":{\"s\":\"12345678\",\"b\":true,\"n\":1000}") "\r",
			"{\"jsonrpc\":\"2.0\",\"id\":-7,\"result\":{\"n\":1000,\"b\":true}}"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\"}"),
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":0,\"b\":false}}"},
		{CALL("1", "at_once", ""), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"at once\"}"},
	};
	int fd = dial();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(fd, cases[i].line, strlen(cases[i].line));
		json_t *answer = ask(fd, "\n");
		char *text = json_dumps(answer, JSON_COMPACT);

		cr_expect_str_eq(text, cases[i].answer);
		free(text);
		json_decref(answer);
	}
	close(fd);
}

Test(rpc, long_names_are_cut)
{
	char *line = malloc(200000);
	int fd = dial();

	int n = sprintf(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"");
	for (int i = 0; i < 60000; i++)
		n += sprintf(
			line + n, "%s", i & 1 ? "\xc3\xbc" : "x"); // a cut falls inside a character
	strcpy(line + n, "\"}\n");
	json_t *answer = ask(fd, line);
	cr_expect_eq(error_code(answer), RPC_METHOD_NOT_FOUND);
	cr_expect_leq(strlen(error_text(answer)), 100u);
	json_decref(answer);
	n = sprintf(line, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":\"");
	memset(line + n, 'i', 257);
	strcpy(line + n + 257, "\"}\n");
	answer = ask(fd, line);
	cr_expect_str_eq(error_field(answer), "id");
	json_decref(answer);
	close(fd);
	free(line);
}

Test(rpc, notifications_get_no_answer)
{
	static const char lines[] = "{\"jsonrpc\":\"2.0\",\"method\":\"count\"}\n"
				    "{\"jsonrpc\":\"2.0\",\"method\":\"nope\"}\n"
				    "{\"jsonrpc\":\"2.0\",\"method\":\"fail\"}\n\n \n";
	int fd = dial();

	put(fd, lines, strlen(lines));
	json_t *answer = ask(fd, CALL("5", "count", "") "\n");
	cr_expect_eq(json_integer_value(json_object_get(answer, "id")), 5);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 2);
	json_decref(answer);
	close(fd);
}

Test(rpc, bytes_one_by_one_and_many_lines_at_once)
{
	static const char line[] = CALL("1", "count", "") "\n";
	int fd = dial();

	for (size_t i = 0; i < strlen(line); i++)
		put(fd, line + i, 1);
	json_decref(get(fd));
	cr_expect_eq(handled, 1);
	char *many = malloc(1000 * strlen(line) + 1);
	for (int i = 0; i < 1000; i++)
		strcpy(many + i * strlen(line), line);
	put(fd, many, 1000 * strlen(line));
	for (int i = 0; i < 1000; i++) {
		json_t *answer = get(fd);
		cr_assert_eq(json_integer_value(json_object_get(answer, "result")), i + 2);
		json_decref(answer);
	}
	free(many);
	close(fd);
}

Test(rpc, half_a_line)
{
	int fd = dial();
	json_t *answer;

	put(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"cou", 38);
	cr_expect_null(get(fd), "answered before the end");
	shutdown(fd, SHUT_WR);
	answer = get(fd);
	cr_expect_eq(error_code(answer), RPC_PARSE_ERROR);
	json_decref(answer);
	cr_expect_null(get(fd));
	cr_expect_eq(errno, 0, "the connection was left open");
	cr_expect_eq(handled, 0);
	cr_expect_eq(gone, 1);
	close(fd);

	fd = dial();
	put(fd, CALL("1", "count", ""), strlen(CALL("1", "count", "")));
	shutdown(fd, SHUT_WR);
	answer = get(fd);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 1,
		"a whole object needs no line end");
	json_decref(answer);
	close(fd);

	fd = dial();
	put(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"cou", 38);
	close(fd);
	turn();
	cr_expect_eq(gone, 3);
	cr_expect_eq(handled, 1);
}

Test(rpc, longest_line)
{
	char *line = malloc(RPC_LINE_MAX + 2);
	int fd = dial();

	memset(line, ' ', RPC_LINE_MAX);
	memcpy(line, CALL("1", "count", ""), strlen(CALL("1", "count", "")));
	line[RPC_LINE_MAX] = '\n';
	put(fd, line, RPC_LINE_MAX + 1);
	json_t *answer = get(fd);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 1);
	json_decref(answer);
	line[RPC_LINE_MAX] = ' ';
	line[RPC_LINE_MAX + 1] = '\n';
	put(fd, line, RPC_LINE_MAX + 2);
	answer = get(fd);
	cr_expect_eq(error_code(answer), RPC_INVALID_REQUEST);
	cr_expect(strstr(error_text(answer), "longer than 1048576 bytes"));
	json_decref(answer);
	cr_expect_null(get(fd));
	cr_expect_eq(errno, 0);
	cr_expect_eq(handled, 1);
	cr_expect_eq(gone, 1);
	close(fd);
	free(line);
}

Test(rpc, line_of_100_mb)
{
	char *megabyte = malloc(1 << 20);
	int fd = dial();

	memset(megabyte, 'x', 1 << 20);
	put(fd, megabyte, 1 << 20);
	size_t before = resident_bytes();
	size_t most = before;
	for (int i = 0; i < 99; i++) {
		cr_assert(put(fd, megabyte, 1 << 20), "the client could not write on: %d", i);
		if (resident_bytes() > most)
			most = resident_bytes();
	}
	cr_expect_leq(most - before, 4u << 20, "%zu bytes more", most - before);
	json_t *answer = ask(fd, "\n");
	cr_expect_eq(error_code(answer), RPC_INVALID_REQUEST);
	json_decref(answer);
	cr_expect_null(get(fd));
	cr_expect_eq(errno, 0);
	cr_expect_eq(gone, 1);
	close(fd);
	free(megabyte);
}

Test(rpc, later)
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

Test(rpc, client_gone_before_the_late_answer)
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

Test(rpc, half_closed_client_gets_its_late_answer)
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

Test(rpc, events)
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

Test(rpc, subscriber_that_does_not_read)
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

Test(rpc, client_that_asks_but_does_not_read)
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

Test(rpc, calls_unanswered_are_bounded)
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

Test(rpc, socket_file)
{
	struct stat st;
	char folder_path[96];

	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	strcpy(folder_path, path);
	*strrchr(folder_path, '/') = '\0';
	cr_assert_eq(stat(folder_path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);

	errno = 0;
	cr_expect_null(rpc_server_new(base, path, methods, NULL), "a live socket was taken");
	cr_expect_eq(errno, EADDRINUSE);
	cr_expect_null(rpc_server_new(base, "/nonexistent/deep/x.sock", methods, NULL));
	cr_expect_eq(errno, ENOENT);
	char *too_long = malloc(300);
	memset(too_long, 'x', 299);
	too_long[299] = '\0';
	cr_expect_null(rpc_server_new(base, too_long, methods, NULL));
	cr_expect_eq(errno, ENAMETOOLONG);
	free(too_long);
	int fd = dial();
	cr_expect(is_alive(fd));
	close(fd);
}

Test(rpc, stale_socket_is_replaced_a_file_is_not)
{
	char other[128];
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(other, sizeof(other), "%s/other", folder);
	strcpy(address.sun_path, other);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	struct rpc_server *second = rpc_server_new(base, other, methods, NULL);
	cr_expect_not_null(second);
	// Replaced behind its back: then it is not its own to remove
	unlink(other);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	close(fd);
	rpc_server_free(second);
	cr_expect_eq(access(other, F_OK), 0);
	cr_expect_null(rpc_server_new(base, other, methods, NULL));
	cr_expect_eq(errno, EEXIST);
	unlink(other);
}

Test(rpc, other_users_are_refused)
{
	cr_assert_eq(geteuid(), 0, "needs root: nobody else can become another user");
	chmod(path, 0666); // even then
	chmod(folder, 0755);
	pid_t pid = fork();
	if (pid == 0) {
		char c;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		int fd = rpc_socket_connect(path, 0);
		if (fd < 0 || send(fd, CALL("1", "count", "") "\n", 40, MSG_NOSIGNAL) < 0)
			_exit(3);
		_exit(recv(fd, &c, 1, 0) <= 0 ? 0 : 4);
	}
	int status, rc = 0;
	while (rc == 0) {
		turn();
		rc = waitpid(pid, &status, WNOHANG);
	}
	cr_expect(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3),
		"status %x", status);
	cr_expect_eq(handled, 0);
}

Test(rpc, clients_are_bounded)
{
	int fds[RPC_CONNS_MAX + 8];

	for (int i = 0; i < RPC_CONNS_MAX + 8; i++)
		fds[i] = dial();
	cr_expect_eq(server->n_conns, (unsigned)RPC_CONNS_MAX);
	cr_expect(is_alive(fds[RPC_CONNS_MAX - 1]));
	for (int i = 0; i < RPC_CONNS_MAX + 8; i++)
		close(fds[i]);
	turn();
	cr_expect_eq(server->n_conns, 0u);
	int fd = dial();
	cr_expect(is_alive(fd));
	close(fd);
}

// Whether the bytes of `hidden`, each XOR 0x55, stand anywhere in this process's memory.
static unsigned find_in_memory(const unsigned char *hidden, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	unsigned char *block = malloc(1 << 16);
	char line[512];
	unsigned found = 0;

	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 ||
			strncmp(mode, "rw", 2) != 0 || to - from > (256ul << 20))
			continue;
		for (; from < to; from += (1 << 16) - size) {
			size_t want = to - from < (1 << 16) ? to - from : 1 << 16;
			ssize_t n = pread(memory, block, want, from);

			for (ssize_t i = 0; i + (ssize_t)size <= n; i++) {
				size_t k = 0;

				while (k < size && (block[i + k] ^ 0x55) == hidden[k])
					k++;
				found += k == size;
			}
			if (n < (ssize_t)want)
				break;
		}
	}
	explicit_bzero(block, 1 << 16);
	free(block);
	close(memory);
	fclose(maps);
	return found;
}

Test(rpc, keys_do_not_linger)
{
	static const char parts[3][64] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"typed\",\"params\":{\"s\":\"",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\",\"params\":{\"s\":\"",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":{\"s\":\""}; // the last is no JSON at its end
	unsigned char hidden[96];
	// free() writes over the first bytes of a block: its end is what is looked for
	const unsigned char *tail = hidden + 64;
	const size_t size = sizeof(hidden) - 64;
	char line[512];
	int fd = dial();

	for (size_t i = 0; i < sizeof(hidden); i++)
		hidden[i] = (unsigned char)('A' + (i * i * 7 + i / 3 + getpid()) % 26) ^ 0x55;
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(parts[i]);

		memcpy(line, parts[i], n);
		for (size_t k = 0; k < sizeof(hidden); k++)
			line[n + k] = (char)(hidden[k] ^ 0x55);
		strcpy(line + n + sizeof(hidden), i < 2 ? "\"}}\n" : "\n");
		cr_expect_gt(find_in_memory(tail, size), 0u, "the search is blind");
		send(fd, line, strlen(line), 0);
		explicit_bzero(line, sizeof(line));
		turn();
		cr_expect_eq(find_in_memory(tail, size), 0u, "case %d", i);
		json_t *answer = get(fd);
		char *text = json_dumps(answer, 0);
		for (size_t k = 0; k < sizeof(hidden); k++)
			line[k] = (char)(hidden[k] ^ 0x55);
		line[8] = '\0';
		cr_expect_not_null(text);
		cr_expect_null(strstr(text, line), "%s", text);
		explicit_bzero(line, sizeof(line));
		free(text);
		json_decref(answer);
	}
	close(fd);
}

Test(rpc, corpus)
{
	DIR *dir = opendir("tests/fuzz/corpus/rpc_line");
	struct dirent *entry;
	unsigned n = 0;

	cr_assert_not_null(dir, "run from the top of the tree");
	while ((entry = readdir(dir))) {
		char name[512];
		uint8_t data[65536];

		snprintf(name, sizeof(name), "tests/fuzz/corpus/rpc_line/%s", entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(name, "r");
		if (!file)
			continue;
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
		// Every byte flipped in turn
		for (size_t i = 0; i < size && i < 400; i++) {
			data[i] ^= 1 << (i % 8);
			LLVMFuzzerTestOneInput(data, size);
			data[i] ^= 1 << (i % 8);
		}
		n++;
	}
	closedir(dir);
	cr_expect_geq(n, 8u);
}
