// SPDX-License-Identifier: BSD-3-Clause
// Fills the answers of the telemetry commands. A reply is 16 KiB at most, and what does not fit is
// left out by the library: lists come in pages, with `count` and `next`. Control thread.
#include "engine/telemetry_answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/context.h"
#include "engine/base/version.h"
#include "engine/core.h"
#include "engine/health.h"

#define PAGE_MAX 256 // numbers of an array

static const char *const stage_names[] = {
#define X(name, help) #name,
	STAGE_LIST(X)
#undef X
};

// The number behind the comma, 0 to max; false: there is another thing.
static bool read_number(const char *params, unsigned long max, uint32_t *number)
{
	char *end;

	if (!params || *params < '0' || *params > '9')
		return false;
	errno = 0;
	unsigned long value = strtoul(params, &end, 10);
	if (*end || errno || value > max)
		return false;
	*number = (uint32_t)value;
	return true;
}

static void add(struct rte_tel_data *data, const char *name, uint64_t value)
{
	rte_tel_data_add_dict_u64(data, name, value);
}

static int info(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	(void)params;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "program", "crowfly-engine");
	rte_tel_data_add_dict_string(data, "version", VERSION);
	rte_tel_data_add_dict_string(data, "crypto", context_backend_name());
	rte_tel_data_add_dict_int(data, "pid", getpid());
	add(data, "workers", engine->shared.n_workers);
	add(data, "sessions_max", engine->sessions.max);
	add(data, "uptime_s", engine->seconds);
	return 0;
}

static int health(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	struct health_item items[HEALTH_ITEMS];
	char line[RTE_TEL_MAX_STRING_LEN];
	enum health_state worst;
	unsigned n = health_get(engine, items, &worst);

	(void)params;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "state", health_state_name(worst));
	for (unsigned i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "%s: %.100s", health_state_name(items[i].state),
			items[i].text);
		rte_tel_data_add_dict_string(data, items[i].name, line);
	}
	return 0;
}

static void add_counters(struct rte_tel_data *data, const struct worker_counters *c)
{
	add(data, "rx_wire", counter_get(&c->rx[SIDE_WIRE]));
	add(data, "tx_wire", counter_get(&c->tx[SIDE_WIRE]));
	add(data, "rx_host", counter_get(&c->rx[SIDE_HOST]));
	add(data, "tx_host", counter_get(&c->tx[SIDE_HOST]));
	add(data, "to_kernel", counter_get(&c->to_kernel));
	add(data, "from_kernel", counter_get(&c->from_kernel));
	add(data, "protected_packets", counter_get(&c->protected_packets));
	add(data, "unprotected_packets", counter_get(&c->unprotected_packets));
	add(data, "handed_over", counter_get(&c->handed_over));
	add(data, "iterations", counter_get(&c->iterations));
	add(data, "busy_iterations", counter_get(&c->busy_iterations));
	add(data, "sleeps", counter_get(&c->sleeps));
}

static int totals(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	struct engine_stats s;

	(void)params;
	engine_stats_get(engine, &s);
	rte_tel_data_start_dict(data);
	add(data, "rx_wire", s.rx_wire);
	add(data, "tx_wire", s.tx_wire);
	add(data, "rx_host", s.rx_host);
	add(data, "tx_host", s.tx_host);
	add(data, "to_kernel", s.to_kernel);
	add(data, "from_kernel", s.from_kernel);
	add(data, "protected_packets", s.protected_packets);
	add(data, "unprotected_packets", s.unprotected_packets);
	add(data, "punted", s.punted);
	add(data, "handed_over", s.handed_over);
	add(data, "fragments", s.fragments);
	add(data, "sessions", s.sessions);
	add(data, "nexthops", s.nexthops);
	add(data, "nexthops_unresolved", s.nexthops_unresolved);
	add(data, "buffers", s.mbufs);
	add(data, "buffers_free", s.mbufs_free);
	add(data, "memory_used_bytes", s.memory_used);
	rte_tel_data_add_dict_int(data, "draining", s.draining);
	return 0;
}

static int drops(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	struct engine_stats stats;

	(void)params;
	engine_stats_get(engine, &stats);
	rte_tel_data_start_dict(data);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		add(data, drop_names[i], stats.drops[i]);
	return 0;
}

static int worker_list(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	(void)params;
	rte_tel_data_start_array(data, RTE_TEL_INT_VAL);
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		rte_tel_data_add_array_int(data, (int)i);
	return 0;
}

static int worker_stats(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	uint32_t index;

	if (!read_number(params, engine->shared.n_workers - 1, &index))
		return -EINVAL;
	const struct worker *w = &engine->shared.workers[index];
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_int(data, "lcore", w->on_lcore ? (int)w->lcore : -1);
	add_counters(data, &w->counters);
	for (unsigned i = 0; i < DROP_COUNT; i++) {
		char name[48];

		snprintf(name, sizeof(name), "drops/%s", drop_names[i]);
		add(data, name, counter_get(&w->counters.drops[i]));
	}
	return 0;
}

static int session_list(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	struct rte_tel_data *ids = rte_tel_data_alloc();
	uint32_t after = 0, id, n = 0;

	if (!ids || (params && *params && !read_number(params, UINT32_MAX, &after))) {
		rte_tel_data_free(ids);
		return ids ? -EINVAL : -ENOMEM;
	}
	rte_tel_data_start_array(ids, RTE_TEL_U64_VAL);
	for (id = session_next(engine, after); id && n < PAGE_MAX; n++) {
		rte_tel_data_add_array_u64(ids, id);
		after = id;
		id = session_next(engine, id);
	}
	rte_tel_data_start_dict(data);
	add(data, "count", session_count(engine));
	add(data, "next", id ? after : 0); // 0: there are no more
	return rte_tel_data_add_dict_container(data, "sessions", ids, 0);
}

static void add_stream(
	struct rte_tel_data *data, const char *side, const struct session_stream_stats *s)
{
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {{"ssrc", s->ssrc}, {"packets", s->packets}, {"bytes", s->bytes},
		{"rtcp_packets", s->rtcp_packets}, {"lost", s->lost > 0 ? (uint64_t)s->lost : 0},
		{"out_of_order", s->out_of_order}, {"jitter_us", (uint64_t)s->jitter_us},
		{"auth_failed", s->auth_failed}, {"replayed", s->replayed}, {"dropped", s->dropped},
		{"idle_ms", s->idle_ms}, {"packets_left", s->packets_left}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s/%s", side, fields[i].name);
		add(data, name, fields[i].value);
	}
}

static int session_stats(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	struct session_info session;
	uint32_t id;

	if (!read_number(params, UINT32_MAX, &id))
		return -EINVAL;
	if (session_get(engine, id, &session) != 0)
		return -ENOENT;
	rte_tel_data_start_dict(data);
	add(data, "id", id);
	rte_tel_data_add_dict_string(data, "suite", suite_table[session.params.suite].name);
	add(data, "age_ms", session.age_ms);
	add_stream(data, "rx", &session.rx);
	add_stream(data, "tx", &session.tx);
	return 0;
}

// Of the batches that were timed, all workers together.
static int stages(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	(void)params;
	rte_tel_data_start_dict(data);
	for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
		uint64_t packets = 0, batches = 0, cycles = 0;
		char name[48];

		for (unsigned i = 0; i < engine->shared.n_workers; i++) {
			const struct stage_counters *c = &engine->shared.workers[i].stages[stage];

			packets += counter_get(&c->packets);
			batches += counter_get(&c->batches);
			cycles += counter_get(&c->cycles);
		}
		snprintf(name, sizeof(name), "%s/packets", stage_names[stage]);
		add(data, name, packets);
		snprintf(name, sizeof(name), "%s/batches", stage_names[stage]);
		add(data, name, batches);
		snprintf(name, sizeof(name), "%s/cycles", stage_names[stage]);
		add(data, name, cycles);
	}
	return 0;
}

const struct telemetry_command telemetry_commands[] = {
	{"/crowfly/info", "Version, crypto back end, workers. No parameters", info},
	{"/crowfly/health", "Whether the engine is well, as `crowfly show health`. No parameters",
		health},
	{"/crowfly/totals", "The totals of all workers, sessions, buffers. No parameters", totals},
	{"/crowfly/drops", "Packets not forwarded, by reason. No parameters", drops},
	{"/crowfly/worker/list", "The workers. No parameters", worker_list},
	{"/crowfly/worker/stats", "Counters of one worker. Parameters: int worker", worker_stats},
	{"/crowfly/session/list",
		"Ids of sessions, a page; `next` is the next page's. Parameters: int after",
		session_list},
	{"/crowfly/session/stats", "Statistics of one session. Parameters: int id", session_stats},
	{"/crowfly/stages", "Packets, batches, cycles of each stage, timed batches. No parameters",
		stages},
	{0},
};
