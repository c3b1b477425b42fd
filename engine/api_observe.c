// SPDX-License-Identifier: BSD-3-Clause
// Workers, stages and drops as JSON. Control thread.
#include "engine/api_observe.h"

#include "engine/core.h"

static bool takes_nothing(struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {NULL};

	return rpc_known(call, params, known) == 0;
}

// ---- workers

// Negative: there is none.
static json_t *number_or_null(int value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *real_or_null(double value)
{
	return value < 0 ? json_null() : json_real(value);
}

static json_t *show_worker(const struct engine *engine, unsigned index)
{
	struct observe_worker w;

	observe_worker_get(engine->observe, index, &w);
	return json_pack("{s:i, s:o, s:i, s:{s:o, s:o, s:o}, s:s, s:I, s:I, s:I, s:f, s:o, s:o, "
			 "s:f}",
		"worker", (int)index, "lcore", number_or_null(w.lcore), "socket", w.socket,
		"queues", "wire", number_or_null(w.queues[ROLE_WIRE]), "host",
		number_or_null(w.queues[ROLE_HOST]), "exception",
		number_or_null(w.queues[ROLE_EXCEPTION]), "state", observe_state_names[w.state],
		"streams", (json_int_t)w.streams, "rx_packets", (json_int_t)w.rx_packets,
		"tx_packets", (json_int_t)w.tx_packets, "rx_packets_per_s", w.rx_per_s,
		"packets_per_batch", real_or_null(w.packets_per_batch), "cycles_per_packet",
		real_or_null(w.cycles_per_packet), "busy_percent", w.busy_percent);
}

json_t *api_observe_workers(void *user, struct rpc_call *call, json_t *params)
{
	struct engine *engine = user;
	json_t *workers;

	if (!takes_nothing(call, params))
		return NULL;
	workers = json_array();
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		json_array_append_new(workers, show_worker(engine, i));
	return json_pack("{s:f, s:o}", "interval_s", observe_interval_s(engine->observe), "workers",
		workers);
}

// ---- stages

static json_t *show_counters(const struct engine *engine, const struct stage_counters *c)
{
	double batches = (double)c->batches, packets = (double)c->packets;
	double cycles = (double)c->cycles;
	bool none = c->batches == 0;

	return json_pack("{s:I, s:I, s:o, s:o, s:o}", "packets", (json_int_t)c->packets, "batches",
		(json_int_t)c->batches, "packets_per_batch",
		real_or_null(none ? -1 : packets / batches), "cycles_per_packet",
		real_or_null(none ? -1 : cycles / packets), "ns_per_packet",
		real_or_null(none ? -1 : cycles / packets * 1e9 / (double)engine->shared.tsc_hz));
}

json_t *api_observe_stages(void *user, struct rpc_call *call, json_t *params)
{
	static const struct {
		const char *name, *help;
	} table[STAGE_COUNT] = {
#define X(name, help) {#name, help},
		STAGE_LIST(X)
#undef X
	};
	struct engine *engine = user;
	json_t *stages;

	if (!takes_nothing(call, params))
		return NULL;
	stages = json_array();
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		struct observe_stage stage;

		observe_stage_get(engine->observe, (enum stage_id)i, &stage);
		json_array_append_new(
			stages, json_pack("{s:s, s:s, s:o, s:o}", "stage", table[i].name, "meaning",
					table[i].help, "total", show_counters(engine, &stage.total),
					"recent", show_counters(engine, &stage.recent)));
	}
	return json_pack("{s:f, s:i, s:o}", "interval_s", observe_interval_s(engine->observe),
		"timed_one_in", STAGE_SAMPLE, "stages", stages);
}

// ---- drops

json_t *api_observe_drops(void *user, struct rpc_call *call, json_t *params)
{
	struct engine *engine = user;
	json_t *drops;

	if (!takes_nothing(call, params))
		return NULL;
	drops = json_array();
	for (unsigned i = 0; i < DROP_COUNT; i++) {
		struct observe_drop drop;

		observe_drop_get(engine->observe, (enum drop_reason)i, &drop);
		json_array_append_new(
			drops, json_pack("{s:s, s:I, s:f, s:s}", "reason", drop_names[i], "packets",
				       (json_int_t)drop.packets, "packets_per_s", drop.per_s,
				       "meaning", drop_helps[i]));
	}
	return json_pack("{s:f, s:f, s:o}", "interval_s", observe_interval_s(engine->observe),
		"since_s", observe_drops_since_s(engine->observe), "drops", drops);
}

json_t *api_observe_drops_clear(void *user, struct rpc_call *call, json_t *params)
{
	struct engine *engine = user;

	if (!takes_nothing(call, params))
		return NULL;
	observe_drops_clear(engine->observe);
	return json_object();
}
