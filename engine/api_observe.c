// SPDX-License-Identifier: BSD-3-Clause
// Workers, stages and drops as JSON. Control thread.
#include "engine/api_observe.h"

#include <rte_cycles.h>

#include "engine/core.h"

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

	if (rpc_known_none(call, params) < 0)
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

	if (rpc_known_none(call, params) < 0)
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

	if (rpc_known_none(call, params) < 0)
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

	if (rpc_known_none(call, params) < 0)
		return NULL;
	observe_drops_clear(engine->observe);
	return json_object();
}

// ---- drops of a session

static double ms_between(const struct engine *engine, uint64_t then, uint64_t now)
{
	return now > then ? (double)(now - then) / (double)engine->shared.tsc_hz * 1e3 : 0;
}

static json_t *show_direction(const struct stream *stream)
{
	const struct stream_state *state = stream->state;

	return json_pack("{s:I, s:I, s:I, s:I}", "dropped",
		(json_int_t)counter_get(&state->dropped), "auth_failed",
		(json_int_t)counter_get(&state->auth_failed), "replayed",
		(json_int_t)counter_get(&state->replayed), "key_exhausted",
		(json_int_t)counter_get(&state->key_exhausted));
}

static json_t *tried(int8_t passes)
{
	return passes < 0 ? json_null() : json_boolean(passes);
}

static json_t *show_last_good(const struct engine *engine, const struct explain *e)
{
	if (!e->any_good)
		return json_null();
	return json_pack("{s:I, s:i, s:f}", "ssrc", (json_int_t)e->good_ssrc, "seq", e->good_seq,
		"before_ms", ms_between(engine, e->good_tsc, e->tsc));
}

static json_t *show_causes(const struct explain *e)
{
	json_t *causes = json_object();

	for (unsigned i = 0; i < EXPLAIN_COUNT; i++)
		json_object_set_new(causes, explain_names[i], json_integer(e->causes[i]));
	return causes;
}

static json_t *show_explain(const struct engine *engine, const struct explain *e)
{
	if (!e)
		return json_null();
	return json_pack("{s:f, s:I, s:i, s:I, s:s, s:s, s:{s:o, s:o}, s:o, s:I, s:o}", "age_ms",
		ms_between(engine, e->tsc, rte_rdtsc()), "ssrc", (json_int_t)e->ssrc, "seq", e->seq,
		"roc", (json_int_t)(e->index >> 16), "cause", explain_names[e->cause], "meaning",
		explain_helps[e->cause], "would_pass", "roc_plus_1", tried(e->more), "roc_minus_1",
		tried(e->fewer), "last_good", show_last_good(engine, e), "sampled",
		(json_int_t)e->samples, "causes", show_causes(e));
}

json_t *api_observe_session_drops(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"id", NULL};
	struct engine *engine = user;
	const struct session *session;
	uint64_t id;

	if (rpc_known(call, params, known) < 0 ||
		rpc_uint(call, params, "id", UINT32_MAX, RPC_REQUIRED, &id) < 0)
		return NULL;
	session = session_table_find(&engine->sessions, (uint32_t)id);
	if (!session)
		return rpc_fail(
			call, RPC_NOT_FOUND, "id", "id: no session %llu", (unsigned long long)id);
	return json_pack("{s:I, s:o, s:o, s:o}", "id", (json_int_t)id, "rx",
		show_direction(session->rx), "tx", show_direction(session->tx), "auth_failure",
		show_explain(engine, explain_of(engine->explain, session->id)));
}
