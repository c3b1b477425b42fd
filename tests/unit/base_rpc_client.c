// SPDX-License-Identifier: BSD-3-Clause
// The client's end: answers, events, a server that goes and comes back, calls that wait.
#include "engine/base/rpc_private.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/rpc_socket.h"

static struct event_base *base;
static struct rpc_server *server;
static struct rpc_client *client;
static char path[64];
static unsigned connected, lost, events, answered, failed, dropped;
static long last;
static struct rpc_call *late;

static json_t *do_double(void *user, struct rpc_call *call, json_t *params)
{
	uint64_t n;

	(void)user;
	if (rpc_uint(call, params, "n", 1000000, RPC_REQUIRED, &n) < 0)
		return NULL;
	return json_integer(2 * n);
}

static json_t *do_later(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	late = call;
	return RPC_LATER;
}

static json_t *do_subscribe(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	rpc_conn_subscribe(rpc_call_conn(call), true);
	rpc_notify(rpc_call_conn(call), "first", NULL);
	return json_null();
}

static const struct rpc_method methods[] = {
	{"double", do_double}, {"later", do_later}, {"subscribe", do_subscribe}, {NULL, NULL}};

static void on_state(void *user, bool up)
{
	(void)user;
	if (up)
		connected++;
	else
		lost++;
}

static void on_event(void *user, const char *method, json_t *params)
{
	(void)user;
	cr_expect(json_is_object(params));
	cr_expect(strcmp(method, "first") == 0 || strcmp(method, "second") == 0);
	events++;
}

static void on_result(void *arg, json_t *result, json_t *error)
{
	(void)arg;
	cr_expect(!(result && error));
	if (result)
		answered++;
	else if (error)
		failed++;
	else
		dropped++;
	last = json_integer_value(result ? result : json_object_get(error, "code"));
}

static void turn(unsigned ms)
{
	struct timeval end = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(base, &end);
	event_base_dispatch(base);
}

static void start_server(void)
{
	server = rpc_server_new(base, path, methods, NULL);
	cr_assert_not_null(server);
}

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/crowfly-rpc-client-%d", getpid());
	base = event_base_new();
	start_server();
	client = rpc_client_new(base, path, on_state, on_event, NULL);
	cr_expect(!rpc_client_connected(client));
	cr_expect_eq(connected, 0u, "called back before rpc_client_new() returned");
	turn(20);
	cr_assert(rpc_client_connected(client));
}

static void teardown(void)
{
	rpc_client_free(client);
	rpc_server_free(server);
	event_base_free(base);
}

TestSuite(rpc_client, .init = setup, .fini = teardown);

Test(rpc_client, answers)
{
	rpc_client_call(client, "later", NULL, on_result, NULL);
	rpc_client_call(client, "double", json_pack("{s:i}", "n", 21), on_result, NULL);
	turn(20);
	cr_expect_eq(answered, 1u);
	cr_expect_eq(last, 42);
	rpc_reply(late, json_integer(5));
	turn(20);
	cr_expect_eq(answered, 2u);
	cr_expect_eq(last, 5);
	rpc_client_call(client, "double", NULL, on_result, NULL);
	turn(20);
	cr_expect_eq(failed, 1u);
	cr_expect_eq(last, RPC_INVALID_PARAMS);
	rpc_client_call(client, "subscribe", NULL, on_result, NULL);
	turn(20);
	cr_expect_eq(answered, 3u, "null is a result too");
	rpc_notify_all(server, "second", json_object());
	turn(20);
	cr_expect_eq(events, 2u);
}

Test(rpc_client, many_calls)
{
	for (int i = 0; i < 20000; i++)
		rpc_client_call(client, "double", json_pack("{s:i}", "n", i), on_result, NULL);
	for (int i = 0; i < 100 && answered < 20000; i++)
		turn(50);
	cr_expect_eq(answered, 20000u);
	cr_expect_eq(last, 2 * 19999);
}

Test(rpc_client, server_goes_and_comes_back)
{
	rpc_client_call(client, "later", NULL, on_result, NULL);
	turn(20);
	rpc_server_free(server);
	server = NULL;
	turn(20);
	cr_expect_eq(lost, 1u);
	cr_expect_eq(dropped, 1u);
	rpc_client_call(client, "double", json_object(), on_result, NULL);
	cr_expect_eq(dropped, 2u, "told before rpc_client_call() returns");
	cr_expect(!rpc_client_connected(client));
	turn(250);
	start_server();
	turn(1000);
	cr_expect(rpc_client_connected(client));
	cr_expect_eq(connected, 2u);
	rpc_client_call(client, "double", json_pack("{s:i}", "n", 1), on_result, NULL);
	turn(20);
	cr_expect_eq(last, 2);
	rpc_reply(late, NULL); // of a connection long gone
}

Test(rpc_client, back_off_begins_anew_after_an_answer)
{
	for (unsigned i = 0; i < 6; i++) {
		rpc_client_call(client, "double", json_pack("{s:i}", "n", 1), on_result, NULL);
		turn(50);
		cr_assert_eq(answered, i + 1);
		rpc_server_free(server);
		start_server();
		turn(350);
		cr_assert(rpc_client_connected(client), "after %u restarts", i + 1);
	}
}

static void free_inside(void *arg, json_t *result, json_t *error)
{
	on_result(arg, result, error);
	rpc_client_free(client);
	client = NULL;
}

Test(rpc_client, freed_inside_its_callback)
{
	rpc_client_call(client, "double", json_pack("{s:i}", "n", 1), free_inside, NULL);
	rpc_client_call(client, "double", json_pack("{s:i}", "n", 2), on_result, NULL);
	turn(20);
	cr_expect_eq(answered, 1u);
	cr_expect_eq(dropped, 1u);
}

static void *blocking_calls(void *arg)
{
	int fd = rpc_connect(path);
	json_t *answer;

	(void)arg;
	for (int i = 0; i < 100; i++) {
		answer = rpc_call_blocking(fd, "double", json_pack("{s:i}", "n", i));
		cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 2 * i);
		json_decref(answer);
	}
	answer = rpc_call_blocking(fd, "nope", NULL);
	cr_expect_not_null(json_object_get(answer, "error"));
	json_decref(answer);
	// The event that overtook the answer is passed over, the next one is not lost
	answer = rpc_call_blocking(fd, "subscribe", NULL);
	cr_expect(json_is_null(json_object_get(answer, "result")));
	json_decref(answer);
	answer = rpc_read_blocking(fd);
	cr_expect_str_eq(json_string_value(json_object_get(answer, "method")), "second");
	json_decref(answer);
	errno = EIO;
	cr_expect_null(rpc_read_blocking(fd));
	cr_expect_eq(errno, 0, "the end is no error");
	cr_expect_null(rpc_call_blocking(fd, "double", NULL));
	cr_expect_neq(errno, 0);
	close(fd);
	cr_expect_eq(rpc_connect("/nonexistent"), -1);
	cr_expect_eq(errno, ENOENT);
	return NULL;
}

Test(rpc_client, blocking)
{
	pthread_t thread;

	pthread_create(&thread, NULL, blocking_calls, NULL);
	turn(400);
	rpc_notify_all(server, "second", NULL);
	turn(100);
	rpc_server_free(server);
	server = NULL;
	pthread_join(thread, NULL);
}
