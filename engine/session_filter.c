// SPDX-License-Identifier: BSD-3-Clause
// Reads filters of lists and applies them, looking at no more of a session than they ask for.
// Control thread.
#include "engine/session_filter.h"

#include <string.h>

#include <rte_cycles.h>

#include "engine/api_params.h"
#include "engine/core.h"

#define IDLE_MAX 31536000 // seconds, a year

// An address alone, or with a port.
static int read_remote(struct rpc_call *call, const char *text, struct session_filter *out)
{
	struct address address;

	if (api_params_address_parse(text, &out->remote) == 0)
		return 0;
	if (!strchr(text, '/') && address_parse(text, &address) == 0) {
		out->remote = (struct session_addr){address.ip, 0};
		return 0;
	}
	rpc_fail(call, RPC_INVALID_PARAMS, "remote",
		"remote: expected an address, with or without a port: 10.0.0.2, 10.0.0.2:20000, "
		"2001:db8::2, [2001:db8::2]:20000");
	return -1;
}

static int read_names(struct rpc_call *call, json_t *params, struct session_filter *out)
{
	const char *remote = rpc_string(call, params, "remote", API_PARAMS_ADDRESS_MAX, false);

	out->by_remote = remote != NULL;
	if (rpc_failed(call) || (remote && read_remote(call, remote, out) < 0))
		return -1;
	out->by_suite = json_object_get(params, "suite") != NULL;
	if (out->by_suite && api_params_suite(call, params, &out->suite) < 0)
		return -1;
	out->by_direction = json_object_get(params, "direction") != NULL;
	return api_params_direction(call, params, &out->direction);
}

static int read_numbers(const struct engine *engine, struct rpc_call *call, json_t *params,
	struct session_filter *out)
{
	const uint64_t none = 0;
	uint64_t worker, idle_s;

	out->by_worker = json_object_get(params, "worker") != NULL;
	if (rpc_uint(call, params, "worker", engine->shared.n_workers - 1, &none, &worker) < 0 ||
		rpc_uint(call, params, "idle_s", IDLE_MAX, &none, &idle_s) < 0)
		return -1;
	out->worker = (unsigned)worker;
	out->idle_tsc = idle_s * engine->shared.tsc_hz;
	return 0;
}

int session_filter_read(const struct engine *engine, struct rpc_call *call, json_t *params,
	struct session_filter *out)
{
	const bool no = false;

	memset(out, 0, sizeof(*out));
	if (read_names(call, params, out) < 0 || read_numbers(engine, call, params, out) < 0 ||
		rpc_bool(call, params, "dropped", &no, &out->dropped) < 0)
		return -1;
	return rpc_bool(call, params, "draining", &no, &out->draining);
}

static bool is_remote(const struct session_addr *remote, const struct session_addr *wanted)
{
	return address_equal(&remote->ip, &wanted->ip) &&
	       (wanted->port == 0 || wanted->port == remote->port);
}

static bool is_idle(const struct session *session, const struct stream *stream, uint64_t tsc)
{
	uint64_t last = counter_get(&stream->state->last_tsc), now = rte_rdtsc();

	if (last < session->added_tsc)
		last = session->added_tsc;
	return now > last && now - last >= tsc;
}

static bool is_workers(const struct stream *stream, unsigned worker)
{
	return __atomic_load_n(&stream->state->owner, __ATOMIC_RELAXED) == worker + 1;
}

bool session_filter_match(const struct session_filter *f, const struct session *s)
{
	if ((f->by_suite && s->suite != f->suite) ||
		(f->by_direction && s->direction != f->direction) ||
		(f->draining && s->drain_idle_s == 0))
		return false;
	if (f->by_remote && !is_remote(&s->wire_remote, &f->remote) &&
		!is_remote(&s->host_remote, &f->remote))
		return false;
	if (f->by_worker && !is_workers(s->rx, f->worker) && !is_workers(s->tx, f->worker))
		return false;
	if (f->dropped && counter_get(&s->rx->state->dropped) == 0 &&
		counter_get(&s->tx->state->dropped) == 0)
		return false;
	return f->idle_tsc == 0 ||
	       (is_idle(s, s->rx, f->idle_tsc) && is_idle(s, s->tx, f->idle_tsc));
}
