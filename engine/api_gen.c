// SPDX-License-Identifier: BSD-3-Clause
// The generator as JSON. Control thread. No error repeats the secret.
#include "engine/api_gen.h"

#include <errno.h>
#include <string.h>

#include "engine/api_params.h"
#include "engine/core.h"
#include "engine/gen.h"

#define SUITE_DEFAULT "AEAD_AES_128_GCM"

static json_t *fail(struct rpc_call *call, int rc, const struct session_error *error)
{
	int code = rc == -EEXIST || rc == -ESHUTDOWN ? RPC_REFUSED
		   : rc == -ENOENT		     ? RPC_NOT_FOUND
		   : rc == -EADDRINUSE		     ? RPC_IN_USE
		   : rc == -ENOSPC || rc == -ENOMEM  ? RPC_LIMIT
						     : RPC_INVALID_PARAMS;

	return rpc_fail(call, code, error->field, "%s%s%s", error->field ? error->field : "",
		error->field ? ": " : "", error->text);
}

// ---- params. Each returns 0, or -1 after rpc_fail().

static int read_address(struct rpc_call *call, json_t *params, const char *field, bool required,
	struct session_addr *out)
{
	const char *text = rpc_string(call, params, field, API_PARAMS_ADDRESS_MAX, required);

	if (!text)
		return rpc_failed(call) ? -1 : 0;
	if (api_params_address_parse(text, out) == 0)
		return 0;
	rpc_fail(call, RPC_INVALID_PARAMS, field,
		"%s: expected an address and a port from 1 to 65535, \"10.0.0.1:20000\" or "
		"\"[2001:db8::1]:20000\"",
		field);
	return -1;
}

static int read_suite(struct rpc_call *call, json_t *params, enum suite_id *out)
{
	const char *name = rpc_string(call, params, "suite", 64, false);
	int suite = suite_find(name ? name : SUITE_DEFAULT);
	char known[160] = "";

	if (rpc_failed(call))
		return -1;
	*out = (enum suite_id)suite;
	if (suite >= 0)
		return 0;
	for (unsigned i = 0; i < SUITE_COUNT; i++) {
		size_t at = strlen(known);

		snprintf(
			known + at, sizeof(known) - at, "%s%s", i ? ", " : "", suite_table[i].name);
	}
	rpc_fail(call, RPC_INVALID_PARAMS, "suite", "suite: expected one of %s", known);
	return -1;
}

// What is not given stays as it is.
static int read_traffic(struct rpc_call *call, json_t *params, struct gen_traffic *traffic)
{
	const uint64_t rate_before = traffic->rate, payload_before = traffic->payload;
	uint64_t rate, payload;

	if (rpc_uint(call, params, "rate", GEN_RATE_MAX, &rate_before, &rate) < 0 ||
		rpc_uint(call, params, "payload", UINT16_MAX, &payload_before, &payload) < 0)
		return -1;
	traffic->rate = (uint32_t)rate;
	traffic->payload = (uint16_t)payload;
	return 0;
}

static int read_params(struct rpc_call *call, json_t *params, struct gen_params *out)
{
	uint64_t sessions;

	*out = (struct gen_params){.traffic = {GEN_RATE, GEN_PAYLOAD}};
	if (rpc_uint(call, params, "sessions", UINT32_MAX, RPC_REQUIRED, &sessions) < 0 ||
		read_address(call, params, "remote", true, &out->remote) < 0 ||
		read_address(call, params, "local", false, &out->local) < 0 ||
		read_suite(call, params, &out->suite) < 0 ||
		read_traffic(call, params, &out->traffic) < 0)
		return -1;
	out->sessions = (unsigned)sessions;
	out->secret = rpc_string(call, params, "secret", GEN_SECRET_MAX, false);
	return rpc_failed(call) ? -1 : 0;
}

// ---- showing

static json_t *show_counts(const struct gen_info *info)
{
	const struct gen_counts *n = &info->counts;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
		"generated_packets", (json_int_t)n->generated, "late_packets", (json_int_t)n->late,
		"sent_packets", (json_int_t)n->sent, "received_packets", (json_int_t)n->received,
		"lost_packets", (json_int_t)n->lost, "out_of_order_packets",
		(json_int_t)n->out_of_order, "auth_failed_packets", (json_int_t)n->auth_failed,
		"replayed_packets", (json_int_t)n->replayed, "dropped_packets",
		(json_int_t)n->dropped, "jitter_us", info->jitter_us, "jitter_max_us",
		info->jitter_max_us);
}

static void show_rates(struct engine *engine, json_t *result)
{
	json_int_t generated = 0, received = 0;
	struct fwd_stats stats;

	fwd_stats_get(engine, &stats);
	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		generated += (json_int_t)stats.workers_per_s[i].generated;
		received += (json_int_t)stats.workers_per_s[i].sunk;
	}
	json_object_set_new(result, "generated_per_s", json_integer(generated));
	json_object_set_new(result, "received_per_s", json_integer(received));
}

static json_t *show(struct engine *engine)
{
	char local[API_PARAMS_ADDRESS_MAX], remote[API_PARAMS_ADDRESS_MAX];
	const struct gen_params *p;
	struct gen_info info;
	json_t *result;

	gen_get(engine, &info);
	p = &info.params;
	if (info.state == GEN_NONE)
		return json_pack("{s:s, s:i, s:s?}", "state", gen_state_names[info.state],
			"sessions", 0, "error",
			engine->gen_error.text[0] ? engine->gen_error.text : NULL);
	result = json_pack("{s:s, s:I, s:I, s:s, s:s, s:b, s:s, s:b, s:I, s:i, s:{s:I, s:i}}",
		"state", gen_state_names[info.state], "sessions", (json_int_t)p->sessions,
		"sessions_added", (json_int_t)info.added, "local",
		api_params_address_text(&p->local, local), "remote",
		api_params_address_text(&p->remote, remote), "both_ends", info.loop, "suite",
		suite_table[p->suite].name, "own_secret", info.own_secret, "rate_per_s",
		(json_int_t)p->traffic.rate, "payload_bytes", p->traffic.payload, "next",
		"rate_per_s", (json_int_t)info.next.rate, "payload_bytes", info.next.payload);
	json_object_update_new(result, show_counts(&info));
	show_rates(engine, result);
	return result;
}

// ---- methods

json_t *api_gen_show(void *user, struct rpc_call *call, json_t *params)
{

	return rpc_known_none(call, params) == 0 ? show(user) : NULL;
}

// Without sessions, the traffic of those there are.
static int change(
	struct engine *engine, struct rpc_call *call, json_t *params, struct session_error *error)
{
	static const char *const known[] = {"rate", "payload", NULL};
	struct gen_info info;

	gen_get(engine, &info);
	if (info.state != GEN_NONE &&
		(rpc_known(call, params, known) < 0 || read_traffic(call, params, &info.next) < 0))
		return 1;
	return gen_change(engine, &info.next, error);
}

json_t *api_gen_set(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {
		"sessions", "remote", "local", "rate", "payload", "suite", "secret", NULL};
	bool only_traffic = json_object_size(params) > 0 && !json_object_get(params, "sessions") &&
			    !json_object_get(params, "remote");
	struct session_error error = {0};
	struct gen_params gen;
	int rc;

	if (rpc_known(call, params, known) < 0)
		return NULL;
	if (only_traffic)
		rc = change(user, call, params, &error);
	else if (read_params(call, params, &gen) == 0)
		rc = gen_set(user, &gen, &error);
	else
		rc = 1;
	if (rc < 0)
		return fail(call, rc, &error);
	return rc == 0 ? show(user) : NULL;
}

json_t *api_gen_clear(void *user, struct rpc_call *call, json_t *params)
{

	if (rpc_known_none(call, params) < 0)
		return NULL;
	if (gen_clear(user) != 0)
		return rpc_fail(call, RPC_NOT_FOUND, NULL, "the generator is not set");
	return json_object();
}
