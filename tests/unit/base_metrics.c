// SPDX-License-Identifier: BSD-3-Clause
// The metrics' text, and the server that gives it out: good requests, hostile ones, addresses.
#include "engine/base/metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/rpc_socket.h"

// ---- the text

static char text[8192];

static struct metrics *begin(void)
{
	static struct metrics metrics;

	metrics.out = evbuffer_new();
	return &metrics;
}

static const char *end(struct metrics *metrics)
{
	int n = evbuffer_copyout(metrics->out, text, sizeof(text) - 1);

	text[n] = '\0';
	evbuffer_free(metrics->out);
	return text;
}

Test(metrics, families_and_samples)
{
	struct metrics *m = begin();

	metrics_begin(m, "x_packets_total", METRICS_COUNTER, "Packets");
	metrics_count(m, UINT64_MAX, "side=\"%s\",worker=\"%u\"", "wire", 3);
	metrics_number(m, 0.25, "side=\"%s\"", "host");
	metrics_begin(m, "x_sessions", METRICS_GAUGE, "Sessions");
	metrics_plain(m, 7);
	cr_expect_str_eq(end(m),
		"# HELP x_packets_total Packets\n"
		"# TYPE x_packets_total counter\n"
		"x_packets_total{side=\"wire\",worker=\"3\"} 18446744073709551615\n"
		"x_packets_total{side=\"host\"} 0.25\n"
		"# HELP x_sessions Sessions\n"
		"# TYPE x_sessions gauge\n"
		"x_sessions 7\n");
}

Test(metrics, histogram)
{
	static const double times[] = {0, 0.001, 0.0011, 0.3, 10, 10.5, 3600};
	struct metrics_histogram histogram = {0};
	struct metrics *m = begin();

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		metrics_observe(&histogram, times[i]);
	metrics_begin(m, "x_seconds", METRICS_HISTOGRAM, "Times");
	metrics_histogram(m, &histogram);
	end(m);
	static const char *const expected[] = {"# TYPE x_seconds histogram\n",
		"x_seconds_bucket{le=\"0.001\"} 2\n", "x_seconds_bucket{le=\"0.0025\"} 3\n",
		"x_seconds_bucket{le=\"0.25\"} 3\n", "x_seconds_bucket{le=\"0.5\"} 4\n",
		"x_seconds_bucket{le=\"5\"} 4\n", "x_seconds_bucket{le=\"10\"} 5\n",
		"x_seconds_bucket{le=\"+Inf\"} 7\n", "x_seconds_sum 3620.8021\n",
		"x_seconds_count 7\n"};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		cr_expect_not_null(strstr(text, expected[i]), "%s in %s", expected[i], text);
}

Test(metrics, distribution)
{
	static const double bounds[] = {1, 2, 0.5e6};
	static const uint64_t counts[] = {1, 0, 3, 2};
	struct metrics *m = begin();

	metrics_begin(m, "x_packets", METRICS_HISTOGRAM, "Packets at once");
	metrics_distribution(m, "worker=\"7\"", bounds, 3, counts, 1e6);
	cr_expect_str_eq(end(m),
		"# HELP x_packets Packets at once\n# TYPE x_packets histogram\n"
		"x_packets_bucket{worker=\"7\",le=\"1\"} 1\n"
		"x_packets_bucket{worker=\"7\",le=\"2\"} 1\n"
		"x_packets_bucket{worker=\"7\",le=\"500000\"} 4\n"
		"x_packets_bucket{worker=\"7\",le=\"+Inf\"} 6\n"
		"x_packets_sum{worker=\"7\"} 1000000\nx_packets_count{worker=\"7\"} 6\n");
}

Test(metrics, histogram_with_bounds_of_its_own)
{
	struct metrics_histogram histogram = {.bounds = metrics_durations};
	struct metrics *m = begin();

	metrics_observe(&histogram, 60);
	metrics_observe(&histogram, 86401);
	metrics_begin(m, "x_seconds", METRICS_HISTOGRAM, "Durations");
	metrics_histogram(m, &histogram);
	end(m);
	static const char *const expected[] = {"_bucket{le=\"30\"} 0\n", "_bucket{le=\"60\"} 1\n",
		"_bucket{le=\"86400\"} 1\n", "_bucket{le=\"+Inf\"} 2\n"};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		cr_expect_not_null(strstr(text, expected[i]), "%s in %s", expected[i], text);
}

// ---- the server

static struct event_base *base;
static struct metrics_server *server;
static char path[64], error[METRICS_ERROR_MAX];
static unsigned written;

static void write_metrics(void *user, struct metrics *m)
{
	written++;
	metrics_begin(m, user, METRICS_GAUGE, "A metric");
	metrics_plain(m, written);
}

static void setup(void)
{
	log_init("test", LOG_EMERG);
	base = event_base_new();
	snprintf(path, sizeof(path), "/tmp/crowfly-metrics-%d", getpid());
	server = metrics_server_new(base, path, false, write_metrics, "x_one", error);
	cr_assert_not_null(server, "%s", error);
}

static void teardown(void)
{
	metrics_server_free(server);
	event_base_free(base);
	cr_expect_neq(access(path, F_OK), 0, "the socket is left");
}

TestSuite(metrics_server, .init = setup, .fini = teardown);

static int connected(void)
{
	int fd = rpc_socket_connect(path, SOCK_NONBLOCK);

	cr_assert_geq(fd, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	return fd;
}

// What the server says until it closes; NULL if it does neither within a second.
static const char *said(int fd)
{
	size_t length = 0;

	for (int i = 0; i < 1000; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		ssize_t n = recv(fd, text + length, sizeof(text) - 1 - length, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			close(fd);
			text[length] = '\0';
			return text;
		}
		length += n > 0 ? (size_t)n : 0;
		usleep(n > 0 ? 0 : 1000);
	}
	return NULL;
}

static const char *ask(const char *request)
{
	int fd = connected();

	cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	return said(fd);
}

#define BODY "# HELP x_one A metric\n# TYPE x_one gauge\nx_one 1\n"

Test(metrics_server, a_scrape)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_str_eq(ask("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		"Content-Length: 49\r\nConnection: close\r\n\r\n" BODY);
}

Test(metrics_server, byte_by_byte)
{
	const char *request = "GET /metrics?x=1 HTTP/1.0\r\n\r\n";
	int fd = connected();

	for (; *request; request++) {
		cr_assert_eq(send(fd, request, 1, MSG_NOSIGNAL), 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	const char *reply = said(fd);
	cr_expect(reply && strstr(reply, BODY), "%s", reply);
}

Test(metrics_server, head_has_no_body)
{
	const char *reply = ask("HEAD /metrics HTTP/1.1\r\n\r\n");

	cr_assert_not_null(reply);
	cr_expect_not_null(strstr(reply, "Content-Length: 49\r\n"));
	cr_expect_str_eq(strstr(reply, "\r\n\r\n"), "\r\n\r\n");
}

Test(metrics_server, other_requests)
{
	static const struct {
		const char *request, *status;
	} cases[] = {{"GET / HTTP/1.1\r\n\r\n", "404"}, {"GET /metricsx HTTP/1.1\r\n\r\n", "404"},
		{"GET /metrics\r\n\r\n", "404"}, {"GET  /metrics HTTP/1.1\r\n\r\n", "404"},
		{"POST /metrics HTTP/1.1\r\n\r\n", "405"}, {"GET\r\n\r\n", "405"},
		{"\r\n\r\n", "405"}, {"get /metrics HTTP/1.1\r\n\r\n", "405"},
		{"\x16\x03\x01\x02\r\n\r\n", "405"}, {"GET /%00 HTTP/1.1\r\n\r\n", "404"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reply = ask(cases[i].request);

		cr_expect(reply && strncmp(reply + 9, cases[i].status, 3) == 0, "%s: %s",
			cases[i].request, reply);
	}
	cr_expect_eq(written, 0);
}

Test(metrics_server, header_without_end)
{
	static char request[METRICS_REQUEST_MAX + 1];

	memset(request, 'x', METRICS_REQUEST_MAX);
	memcpy(request, "GET /metrics HTTP/1.1\r\nX: ", 26);
	const char *reply = ask(request);
	cr_expect(reply && strncmp(reply, "HTTP/1.1 431 ", 13) == 0, "%s", reply);
	cr_expect_eq(written, 0);
}

Test(metrics_server, silent_clients_keep_nobody_out)
{
	int silent[METRICS_CONNS_MAX + 4];
	const unsigned n = sizeof(silent) / sizeof(silent[0]);
	unsigned gone = 0;
	char byte;

	for (unsigned i = 0; i < n; i++)
		silent[i] = connected();
	const char *reply = ask("GET /metrics HTTP/1.1\r\n\r\n");
	cr_expect(reply && strstr(reply, BODY), "%s", reply);
	for (unsigned i = 0; i < n; i++) {
		if (recv(silent[i], &byte, 1, 0) == 0)
			gone++;
		close(silent[i]);
	}
	cr_expect_eq(gone, 5, "the oldest %u have gone", gone);
}

Test(metrics_server, clients_that_go_at_once)
{
	for (int i = 0; i < 100; i++) {
		int fd = connected();

		if (i % 2)
			send(fd, "GET /metrics HTTP/1.1\r\n\r\n", 25, MSG_NOSIGNAL);
		close(fd);
	}
	const char *reply = ask("GET /metrics HTTP/1.1\r\n\r\n");
	cr_expect(reply && strstr(reply, "x_one "), "%s", reply);
}

Test(metrics_server, addresses)
{
	static const struct {
		const char *address;
		bool anywhere;
		const char *error; // NULL: is taken
	} cases[] = {{"127.0.0.1:P", false, NULL}, {"127.9.9.9:P", false, NULL},
		{"[::1]:P", false, NULL}, {"0.0.0.0:P", false, "not a loopback address"},
		{"[::]:P", false, "not a loopback address"},
		{"10.0.0.1:9464", false, "not a loopback address"},
		{"[::ffff:127.0.0.1]:P", false, "not a loopback address"},
		{"0.0.0.0:P", true, NULL}, {"192.0.2.1:P", true, "Cannot assign"},
		{"localhost:9464", false, "expected IP:PORT"},
		{"127.0.0.1", false, "expected IP:PORT"}, {"127.0.0.1:", false, "expected IP:PORT"},
		{"127.0.0.1:70000", true, "expected IP:PORT"}, {"", false, "expected IP:PORT"},
		{"/tmp/none/none/metrics.sock", false, "No such file"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char address[64];
		const char *port = strstr(cases[i].address, ":P");

		// A port of this process' own
		snprintf(address, sizeof(address), "%.*s%.0d",
			port ? (int)(port + 1 - cases[i].address) : 60, cases[i].address,
			port ? 20000 + getpid() % 20000 : 0);
		struct metrics_server *other = metrics_server_new(
			base, address, cases[i].anywhere, write_metrics, "x", error);

		cr_expect_eq(other != NULL, cases[i].error == NULL, "%s: %s", address, error);
		if (cases[i].error)
			cr_expect_not_null(strstr(error, cases[i].error), "%s: %s", address, error);
		metrics_server_free(other);
	}
}
