// SPDX-License-Identifier: BSD-3-Clause
// Latency and jitter as JSON. Control thread.
#include "engine/api_latency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"
#include "engine/jitter.h"

#define WORST_DEFAULT 10

static const char *const side_names[2] = {[SIDE_WIRE] = "wire", [SIDE_HOST] = "host"};

// The quantiles that are told of a histogram, null if nothing is in it. `unit`: what 1 us is in it.
static void add_quantiles(json_t *object, const struct histogram *h, double unit)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p99_9_us", 0.999},
		{"p99_99_us", 0.9999}, {"max_us", 1}};

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		double value = (double)histogram_quantile(h, quantiles[i].q) / unit;

		json_object_set_new(
			object, quantiles[i].name, h->n > 0 ? json_real(value) : json_null());
	}
}

// ---- latency

json_t *api_latency_set(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"on", NULL};
	bool on;

	if (rpc_known(call, params, known) < 0 ||
		rpc_bool(call, params, "on", RPC_REQUIRED, &on) < 0)
		return NULL;
	if (latency_set(user, on) != 0)
		return rpc_fail(call, RPC_LIMIT, NULL, "out of memory");
	return json_object();
}

json_t *api_latency_clear(void *user, struct rpc_call *call, json_t *params)
{
	if (rpc_known_none(call, params) < 0)
		return NULL;
	if (latency_clear(user) != 0)
		return rpc_fail(call, RPC_LIMIT, NULL, "out of memory");
	return json_object();
}

// A row of one side; `worker` is its number, or null: all of them.
static json_t *show_row(
	const struct engine *engine, json_t *worker, int out, const struct histogram *h)
{
	json_t *row = json_pack("{s:o, s:s, s:I}", "worker", worker, "out", side_names[out],
		"packets", (json_int_t)h->n);

	add_quantiles(row, h, (double)engine->shared.tsc_hz / 1e6);
	return row;
}

// Rows of each worker, and of all. NULL: out of memory.
static json_t *show_latencies(const struct engine *engine, int out)
{
	struct histogram *all = calloc(1, sizeof(*all)), *one = calloc(1, sizeof(*one));
	json_t *rows = all && one ? json_array() : NULL;

	for (unsigned i = 0; rows && i < engine->shared.n_workers; i++) {
		memset(one, 0, sizeof(*one));
		latency_merge(engine, i, (enum packet_side)out, one);
		histogram_merge(all, one);
		json_array_append_new(rows, show_row(engine, json_integer(i), out, one));
	}
	if (rows)
		json_array_append_new(rows, show_row(engine, json_null(), out, all));
	free(all);
	free(one);
	return rows;
}

json_t *api_latency_get(void *user, struct rpc_call *call, json_t *params)
{
	struct engine *engine = user;
	json_t *rows;

	if (rpc_known_none(call, params) < 0)
		return NULL;
	rows = json_array();
	for (int out = SIDE_WIRE; out <= SIDE_HOST; out++) {
		json_t *some = show_latencies(engine, out);

		json_array_extend(rows, some);
		json_decref(some);
	}
	return json_pack("{s:b, s:o}", "on", latency_is_on(engine), "latencies", rows);
}

// ---- jitter

static json_t *show_jitter(const struct histogram *h)
{
	json_t *object = json_pack("{s:I}", "streams", (json_int_t)h->n);

	add_quantiles(object, h, 1e3);
	return object;
}

static json_t *show_stream(const struct jitter_stream *s)
{
	return json_pack("{s:I, s:s, s:I, s:f, s:I}", "session", (json_int_t)s->session, "from",
		side_names[s->from], "ssrc", (json_int_t)s->ssrc, "jitter_us",
		(double)s->jitter_ns / 1e3, "lost", (json_int_t)s->lost);
}

static void jitter_found(void *arg, const struct jitter_scan *scan)
{
	const struct jitter_stream *streams;
	unsigned n = jitter_worst(scan, &streams);
	json_t *worst = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(worst, show_stream(&streams[i]));
	rpc_reply(arg, json_pack("{s:o, s:o, s:o}", "wire", show_jitter(jitter_of(scan, SIDE_WIRE)),
			       "host", show_jitter(jitter_of(scan, SIDE_HOST)), "worst", worst));
}

json_t *api_jitter_get(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"worst", NULL};
	const uint64_t some = WORST_DEFAULT;
	uint64_t worst;
	int rc;

	if (rpc_known(call, params, known) < 0 ||
		rpc_uint(call, params, "worst", JITTER_WORST_MAX, &some, &worst) < 0)
		return NULL;
	rc = jitter_begin(user, (unsigned)worst, jitter_found, call);
	if (rc != 0)
		return rpc_fail(call, RPC_LIMIT, NULL, "%s",
			rc == -EBUSY ? "too many are looking at all streams: try again"
				     : "out of memory");
	return RPC_LATER;
}
