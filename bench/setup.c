// SPDX-License-Identifier: BSD-3-Clause
// How fast sessions come and go while packets flow. The main thread is the engine's control thread,
// and the network between its turns; the worker has a core of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "bench/options.h"
#include "bench/result.h"
#include "bench/setup_socket.h"
#include "bench/steady.h"
#include "engine/drop.h"

#define SLICE	     64	   // sessions between two turns of the network
#define FLOW_CALLS   1000  // that flow all the time
#define FLOW_PPS     50000 // of these, each way: 20 ms packets
#define RING_PACKETS 8192

static const char about[] =
	"Adds sessions of two streams to a running engine and removes them again, by the C call and\n"
	"by JSON-RPC over the engine's socket, while a thousand calls flow through its worker.\n";

struct measurement {
	struct rig *rig;
	struct steady steady;
	enum suite_id suite;
	uint32_t first, n; // the sessions that come and go
	bool socket;
	struct bench_samples adds, removes;	// streams/s, of each round
	struct bench_samples add_us, remove_us; // of the control thread's CPU time, a stream
};

// ---- by the C call

static void breathe(struct measurement *m)
{
	event_base_loop(m->rig->base, EVLOOP_NONBLOCK); // the engine's timers
	steady_poll(&m->steady);
}

static uint64_t add_slice(struct measurement *m, uint32_t from, uint32_t n)
{
	struct session_params params[SLICE];
	struct session_error error = {0};
	uint64_t begin;

	for (uint32_t i = 0; i < n; i++)
		rig_session_params(m->rig, m->suite, from + i, &params[i]);
	begin = bench_cpu_ns();
	for (uint32_t i = 0; i < n; i++)
		if (session_add(m->rig->engine, &params[i], &m->rig->ids[from + i], &error) != 0)
			bench_fail("session %u: %s: %s", from + i, error.field ? error.field : "",
				error.text);
	return bench_cpu_ns() - begin;
}

static uint64_t remove_slice(struct measurement *m, uint32_t from, uint32_t n)
{
	uint64_t begin = bench_cpu_ns();

	for (uint32_t i = 0; i < n; i++)
		session_remove(m->rig->engine, m->rig->ids[from + i]);
	return bench_cpu_ns() - begin;
}

static void call_all(struct measurement *m, bool add)
{
	uint64_t cpu = 0, begin = bench_now_ns();

	for (uint32_t i = 0; i < m->n; i += SLICE) {
		uint32_t n = m->n - i < SLICE ? m->n - i : SLICE;

		cpu += (add ? add_slice : remove_slice)(m, m->first + i, n);
		breathe(m);
	}
	bench_sample(add ? &m->adds : &m->removes, 2e9 * m->n / (double)(bench_now_ns() - begin));
	bench_sample(add ? &m->add_us : &m->remove_us, (double)cpu / 2e3 / m->n);
}

// ---- by the socket

static void on_flow(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	steady_poll(arg);
}

static void ask_all(struct measurement *m, bool add)
{
	struct setup_socket *socket = setup_socket_new(m->rig, m->suite, m->first, m->n, add);
	uint64_t cpu, begin = bench_now_ns();

	steady_poll(&m->steady); // making the requests took its time
	cpu = bench_cpu_ns();
	begin = bench_now_ns();
	setup_socket_start(socket);
	while (!setup_socket_done(socket))
		event_base_loop(m->rig->base, EVLOOP_ONCE);
	cpu = bench_cpu_ns() - cpu;
	bench_sample(add ? &m->adds : &m->removes, 2e9 * m->n / (double)(bench_now_ns() - begin));
	bench_sample(add ? &m->add_us : &m->remove_us, (double)cpu / 2e3 / m->n);
	setup_socket_free(socket);
}

// ---- rows

static json_t *flow_json(const struct measurement *m)
{
	const struct steady *flow = &m->steady;
	struct engine_stats stats;
	json_t *drops = json_object();

	engine_stats_get(m->rig->engine, &stats);
	for (int i = 0; i < DROP_COUNT; i++)
		if (stats.drops[i] > 0)
			json_object_set_new(
				drops, drop_names[i], json_integer((json_int_t)stats.drops[i]));
	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:f, s:o}", "calls", FLOW_CALLS,
		"pps_each_way", FLOW_PPS, "sent", (json_int_t)flow->sent, "received",
		(json_int_t)flow->received, "ring_full", (json_int_t)flow->ring_full, "not_sent",
		(json_int_t)flow->late, "worker_share", flow->worker_share, "drops", drops);
}

static void report(struct measurement *m, json_t *result)
{
	uint64_t lost = m->steady.sent - m->steady.received;

	printf("%-25s %8u %-9s %10.0f %10.0f %8.2f %8.2f %10lu %6lu\n", suite_table[m->suite].name,
		2 * m->n, m->socket ? "socket" : "call", bench_quantile(&m->adds, 0.5),
		bench_quantile(&m->removes, 0.5), bench_quantile(&m->add_us, 0.5),
		bench_quantile(&m->remove_us, 0.5), m->steady.sent, lost);
	if (lost > 0)
		printf("  lost: %lu found the port's ring full, while the worker had %.0f %% of a "
		       "core; %s\n",
			m->steady.ring_full, 100 * m->steady.worker_share,
			bench_drops(m->rig->engine));
	fflush(stdout);
	result_add(result, json_pack("{s:s, s:i, s:s, s:f, s:f, s:f, s:f, s:I, s:o, s:o, s:o}",
				   "suite", suite_table[m->suite].name, "streams", (int)(2 * m->n),
				   "interface", m->socket ? "socket" : "call", "adds_per_second",
				   bench_quantile(&m->adds, 0.5), "removes_per_second",
				   bench_quantile(&m->removes, 0.5), "add_cpu_us",
				   bench_quantile(&m->add_us, 0.5), "remove_cpu_us",
				   bench_quantile(&m->remove_us, 0.5), "lost", (json_int_t)lost,
				   "adds_per_second_spread", result_spread(&m->adds),
				   "removes_per_second_spread", result_spread(&m->removes), "flow",
				   flow_json(m)));
}

static void measure(
	const struct options *o, enum suite_id suite, uint32_t streams, bool socket, json_t *result)
{
	struct measurement m = {
		.suite = suite, .first = FLOW_CALLS, .n = (streams + 1) / 2, .socket = socket};
	const struct timeval often = {.tv_usec = 500};
	struct event *timer;

	m.rig = rig_new(&(struct rig_params){
		.workers = 1, .packets = RING_PACKETS, .crypto = o->crypto, .running = true});
	rig_add(m.rig, suite, FLOW_CALLS);
	steady_init(&m.steady, m.rig, FLOW_CALLS, FLOW_PPS);
	timer = event_new(m.rig->base, -1, EV_PERSIST, on_flow, &m.steady);
	if (!timer || (socket && event_add(timer, &often) != 0))
		bench_fail("no timer");
	for (unsigned r = 0; r < o->repeats; r++) {
		(socket ? ask_all : call_all)(&m, true);
		(socket ? ask_all : call_all)(&m, false);
	}
	steady_end(&m.steady);
	report(&m, result);
	event_free(timer);
	rig_remove(m.rig);
	rig_free(m.rig);
	bench_samples_fini(&m.adds);
	bench_samples_fini(&m.removes);
	bench_samples_fini(&m.add_us);
	bench_samples_fini(&m.remove_us);
}

int bench_setup(int argc, char **argv)
{
	struct options o = {.takes = "streams suite repeats crypto json",
		.n_streams = 1,
		.streams = {200000},
		.n_suites = 2,
		.suites = {SUITE_AEAD_AES_128_GCM, SUITE_AES_CM_128_HMAC_SHA1_80},
		.repeats = 3,
		.crypto = "ipsec_mb"};
	int rc = options_read(&o, argc, argv, about);
	json_t *result;

	if (rc >= 0)
		return rc;
	for (unsigned s = 0; s < o.n_streams; s++)
		if (o.streams[s] > 2 * (RIG_SESSIONS_MAX - FLOW_CALLS))
			bench_fail("--streams: at most %u", 2 * (RIG_SESSIONS_MAX - FLOW_CALLS));
	result = result_new("setup", argc, argv);
	bench_print_machine();
	printf("\none worker; ring ports; while %u calls flow, %u packets/s each way. Streams/s, CPU us a "
	       "stream\n%-25s %8s %-9s %10s %10s %8s %8s %10s %6s\n",
		FLOW_CALLS, FLOW_PPS, "suite", "streams", "interface", "adds/s", "removes/s",
		"us/add", "us/rem.", "sent", "lost");
	for (unsigned u = 0; u < o.n_suites; u++)
		for (unsigned s = 0; s < o.n_streams; s++)
			for (int socket = 0; socket < 2; socket++)
				measure(&o, o.suites[u], o.streams[s], socket, result);
	return result_end(result, o.json);
}
