// SPDX-License-Identifier: BSD-3-Clause
// Looks whether the engine is well: each thing that goes wrong in operation is one line. Control
// thread.
#include "engine/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "engine/core.h"
#include "engine/drain.h"

#define DROPS_SECONDS	10
#define BUFFERS_WARN	10 // percent free
#define BUFFERS_FAIL	2
#define SESSIONS_WARN	90 // percent of the limit
#define MEMORY_WARN	5  // percent of the machine's that is available
#define CLOCK_WARN_PPM	1000
#define CLOCK_ROUNDS_HZ 5e6 // DPDK takes whole steps of 10 MHz
#define CLOCK_AFTER_NS	2000000000u

struct list {
	struct engine *engine;
	struct engine_stats stats;
	struct health_item *items;
	unsigned n;
};

static void add(struct list *list, const char *name, enum health_state state, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void add(struct list *list, const char *name, enum health_state state, const char *fmt, ...)
{
	struct health_item *item = &list->items[list->n++];
	va_list args;

	item->name = name;
	item->state = state;
	va_start(args, fmt);
	vsnprintf(item->text, sizeof(item->text), fmt, args);
	va_end(args);
}

const char *health_state_name(enum health_state state)
{
	static const char *const names[] = {"OK", "WARN", "FAIL"};

	return names[state];
}

// ---- what was counted before

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void sample_drops(struct engine *engine)
{
	struct health *health = &engine->health;
	struct engine_stats stats;

	engine_stats_get(engine, &stats);
	memcpy(health->drops[1], health->drops[0], sizeof(health->drops[0]));
	memcpy(health->drops[0], stats.drops, sizeof(health->drops[0]));
	health->drops_second[1] = health->drops_second[0];
	health->drops_second[0] = engine->seconds;
}

void health_init(struct engine *engine)
{
	engine->health.start_tsc = rte_rdtsc();
	engine->health.start_ns = now_ns();
}

void health_second(struct engine *engine)
{
	struct health *health = &engine->health;

	memcpy(health->iterations[1], health->iterations[0], sizeof(health->iterations[0]));
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		health->iterations[0][i] =
			counter_get(&engine->shared.workers[i].counters.iterations);
	if (engine->seconds % DROPS_SECONDS == 0)
		sample_drops(engine);
}

// ---- the lines

static void look_ready(struct list *list)
{
	if (engine_workers_polled(list->engine))
		add(list, "ready", HEALTH_OK, "every worker has polled its ports");
	else
		add(list, "ready", HEALTH_FAIL, "a worker has not polled its ports yet");
}

static void look_fwd(struct list *list)
{
	const char *mode = fwd_names[list->engine->shared.fwd.mode];

	if (fwd_is_running(list->engine))
		add(list, "fwd", HEALTH_OK, "%s", mode);
	else
		add(list, "fwd", HEALTH_WARN, "stopped by a command");
}

static void look_ports(struct list *list)
{
	struct engine_port ports[3];
	unsigned n = engine_ports_get(list->engine, ports);

	for (unsigned i = 0; i < n; i++) {
		const struct engine_port *port = &ports[i];

		add(list, port->role, port->link_up ? HEALTH_OK : HEALTH_FAIL,
			"%s: link %s, %" PRIu64 " received, %" PRIu64 " missed", port->device,
			port->link_up ? "up" : "down", port->rx_packets, port->rx_missed);
	}
}

static void look_workers(struct list *list)
{
	const struct worker_shared *shared = &list->engine->shared;
	const struct health *health = &list->engine->health;
	unsigned still = 0, first = 0;

	for (unsigned i = shared->n_workers; i-- > 0;) {
		if (counter_get(&shared->workers[i].counters.iterations) !=
			health->iterations[1][i])
			continue;
		still++;
		first = i;
	}
	if (still)
		add(list, "workers", HEALTH_FAIL, "%u of %u stand still, worker %u first", still,
			shared->n_workers, first);
	else
		add(list, "workers", HEALTH_OK, "%u, all moving", shared->n_workers);
}

static void look_drops(struct list *list)
{
	const struct health *health = &list->engine->health;
	uint64_t seconds = list->engine->seconds - health->drops_second[1], sum = 0, most = 0;
	unsigned reason = 0;

	for (unsigned i = 0; i < DROP_COUNT; i++) {
		uint64_t more = list->stats.drops[i] - health->drops[1][i];

		sum += more;
		if (more > most) {
			most = more;
			reason = i;
		}
	}
	if (sum)
		add(list, "drops", HEALTH_WARN,
			"%" PRIu64 " in %" PRIu64 " s, most %s (%" PRIu64 ")", sum, seconds,
			drop_names[reason], most);
	else
		add(list, "drops", HEALTH_OK, "none in %" PRIu64 " s", seconds);
}

static void look_buffers(struct list *list)
{
	unsigned all = list->stats.mbufs, left = list->stats.mbufs_free;
	unsigned percent = all ? (unsigned)(100ull * left / all) : 0;

	add(list, "buffers",
		percent < BUFFERS_FAIL	 ? HEALTH_FAIL
		: percent < BUFFERS_WARN ? HEALTH_WARN
					 : HEALTH_OK,
		"%u of %u free", left, all);
}

static void look_nexthops(struct list *list)
{
	unsigned unresolved = list->stats.nexthops_unresolved;

	add(list, "nexthops", unresolved ? HEALTH_WARN : HEALTH_OK,
		"%u of %u without a MAC address", unresolved, list->stats.nexthops);
}

static void look_sessions(struct list *list)
{
	unsigned n = list->stats.sessions, max = list->engine->sessions.max;

	add(list, "sessions",
		n >= max				   ? HEALTH_FAIL
		: n >= (uint64_t)max * SESSIONS_WARN / 100 ? HEALTH_WARN
							   : HEALTH_OK,
		"%u of %u", n, max);
}

// A line of /proc/meminfo in KiB; 0: not there.
static uint64_t read_meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t value = 0;
	char line[128];

	if (!file)
		return 0;
	while (value == 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), ": %" SCNu64, &value);
	fclose(file);
	return value;
}

static void look_memory(struct list *list)
{
	uint64_t total = read_meminfo("MemTotal"), left = read_meminfo("MemAvailable");

	add(list, "memory", left * 100 < total * MEMORY_WARN ? HEALTH_WARN : HEALTH_OK,
		"sessions use %zu of %zu MiB; the machine has %" PRIu64 " of %" PRIu64
		" MiB available",
		list->stats.memory_used >> 20, list->stats.memory_mapped >> 20, left >> 10,
		total >> 10);
}

static void look_draining(struct list *list)
{
	int left = drain_left_s(list->engine);

	if (!list->stats.draining)
		add(list, "draining", HEALTH_OK, "no");
	else if (left >= 0)
		add(list, "draining", HEALTH_WARN,
			"new sessions are refused, those left end in %d s", left);
	else
		add(list, "draining", HEALTH_WARN, "new sessions are refused");
}

// Timers and latencies count cycles of the TSC: it must keep the pace that DPDK has taken it for.
static void look_clock(struct list *list)
{
	const struct health *health = &list->engine->health;
	uint64_t ns = now_ns() - health->start_ns;
	double hz = (double)(rte_rdtsc() - health->start_tsc) * 1e9 / (double)ns;
	double taken = (double)list->engine->shared.tsc_hz;
	double off = hz > taken ? hz - taken : taken - hz;

	if (ns < CLOCK_AFTER_NS)
		add(list, "clock", HEALTH_OK, "TSC at %.0f MHz, just started", taken / 1e6);
	else
		add(list, "clock",
			off > CLOCK_ROUNDS_HZ + taken * CLOCK_WARN_PPM / 1e6 ? HEALTH_WARN
									     : HEALTH_OK,
			"TSC at %.3f MHz, taken for %.0f MHz", hz / 1e6, taken / 1e6);
}

unsigned health_get(struct engine *engine, struct health_item items[], enum health_state *worst)
{
	static void (*const looks[])(struct list *) = {look_ready, look_fwd, look_ports,
		look_workers, look_drops, look_buffers, look_nexthops, look_sessions, look_memory,
		look_draining, look_clock};
	struct list list = {.engine = engine, .items = items};

	engine_stats_get(engine, &list.stats);
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		looks[i](&list);
	*worst = HEALTH_OK;
	for (unsigned i = 0; i < list.n; i++)
		if (items[i].state > *worst)
			*worst = items[i].state;
	return list.n;
}
