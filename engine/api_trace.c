// SPDX-License-Identifier: BSD-3-Clause
// Traces as JSON. Control thread.
#include "engine/api_trace.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/api_params.h"
#include "engine/core.h"
#include "engine/trace.h"

#define LIST_MAX 500 // packets a reply

static const char *const side_names[2] = {[SIDE_WIRE] = "wire", [SIDE_HOST] = "host"};

static const char *const stage_names[STAGE_COUNT] = {
#define X(name, help) [STAGE_##name] = #name,
	STAGE_LIST(X)
#undef X
};

static const char *const end_names[TRACE_END_COUNT] = {
#define X(name, text) [TRACE_END_##name] = text,
	TRACE_END_LIST(X)
#undef X
};

static const char *const kind_names[] = {
	[PARSE_UDP] = "udp",
	[PARSE_OTHER] = "other",
	[PARSE_ARP] = "arp",
	[PARSE_ICMP] = "icmp",
	[PARSE_FRAGMENT] = "fragment",
	[PARSE_MALFORMED] = "malformed",
};

// ---- trace.add

// A reason to drop by its name, "any", or -1 after rpc_fail().
static int read_reason(struct rpc_call *call, json_t *params, uint32_t *reason)
{
	const char *name = rpc_string(call, params, "drops", 64, true);

	if (!name)
		return -1;
	*reason = TRACE_ANY;
	if (strcmp(name, "any") == 0)
		return 0;
	for (*reason = 0; *reason < DROP_COUNT; (*reason)++)
		if (strcmp(name, drop_names[*reason]) == 0)
			return 0;
	rpc_fail(call, RPC_INVALID_PARAMS, "drops",
		"drops: expected 'any' or a reason of drop.list, as 'auth_failed'");
	return -1;
}

static int read_filter(struct rpc_call *call, json_t *params, struct trace_filter *filter)
{
	static const struct {
		const char *name;
		enum trace_kind kind;
	} kinds[] = {{"session", TRACE_SESSION}, {"ssrc", TRACE_SSRC}, {"drops", TRACE_DROPS}};
	const char *field = NULL;
	uint64_t value;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!json_object_get(params, kinds[i].name))
			continue;
		if (field) {
			rpc_fail(call, RPC_INVALID_PARAMS, kinds[i].name,
				"%s: expected one of session, ssrc and drops", kinds[i].name);
			return -1;
		}
		field = kinds[i].name;
		filter->kind = kinds[i].kind;
	}
	if (!field) {
		rpc_fail(call, RPC_INVALID_PARAMS, "session",
			"session: expected one of session, ssrc and drops");
		return -1;
	}
	if (filter->kind == TRACE_DROPS)
		return read_reason(call, params, &filter->value);
	if (rpc_uint(call, params, field, UINT32_MAX, RPC_REQUIRED, &value) < 0)
		return -1;
	filter->value = (uint32_t)value;
	return 0;
}

json_t *api_trace_add(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"session", "ssrc", "drops", "count", NULL};
	struct engine *engine = user;
	struct trace_filter filter = {0};
	uint64_t count;
	int rc;

	if (rpc_known(call, params, known) < 0 || read_filter(call, params, &filter) < 0 ||
		rpc_uint(call, params, "count", TRACE_MAX, RPC_REQUIRED, &count) < 0)
		return NULL;
	if (count == 0)
		return rpc_fail(call, RPC_INVALID_PARAMS, "count",
			"count: expected an integer from 1 to %d", TRACE_MAX);
	if (filter.kind == TRACE_SESSION && !session_table_find(&engine->sessions, filter.value))
		return rpc_fail(
			call, RPC_NOT_FOUND, "session", "session: no session %u", filter.value);
	filter.count = (uint32_t)count;
	rc = trace_add(engine, &filter);
	if (rc == -ENOSPC)
		return rpc_fail(call, RPC_LIMIT, "count",
			"count: %d packets of %d filters can be asked for until the trace is "
			"cleared",
			TRACE_MAX, TRACE_FILTERS_MAX);
	return rc == 0 ? json_object() : rpc_fail(call, RPC_LIMIT, NULL, "out of memory");
}

json_t *api_trace_clear(void *user, struct rpc_call *call, json_t *params)
{

	if (rpc_known_none(call, params) < 0)
		return NULL;
	trace_clear(user);
	return json_object();
}

// ---- trace.list

static json_t *show_filter(const struct trace_filter *f)
{
	int32_t left = __atomic_load_n(&f->left, __ATOMIC_RELAXED);
	json_t *object = json_pack("{s:I, s:I}", "count", (json_int_t)f->count, "left",
		(json_int_t)(left > 0 ? left : 0));

	if (f->kind == TRACE_SESSION)
		json_object_set_new(object, "session", json_integer(f->value));
	else if (f->kind == TRACE_SSRC)
		json_object_set_new(object, "ssrc", json_integer(f->value));
	else
		json_object_set_new(object, "drops",
			json_string(f->value == TRACE_ANY ? "any" : drop_names[f->value]));
	return object;
}

static json_t *show_address(const struct in6_addr *ip, rte_be16_t port)
{
	const struct session_addr address = {*ip, rte_be_to_cpu_16(port)};
	char text[API_PARAMS_ADDRESS_MAX];

	return json_string(api_params_address_text(&address, text));
}

static json_int_t be(const uint8_t *p, unsigned bytes)
{
	json_int_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static void add_headers(json_t *object, const struct trace_record *r)
{
	const uint8_t *m = r->media;

	json_object_set_new(
		object, "kind", r->parsed ? json_string(kind_names[r->parse.kind]) : json_null());
	json_object_set_new(object, "vlan", json_integer(r->parse.vlan));
	if (r->parsed && r->parse.kind == PARSE_UDP) {
		json_object_set_new(
			object, "from_address", show_address(&r->parse.src, r->parse.src_port));
		json_object_set_new(
			object, "to_address", show_address(&r->parse.dst, r->parse.dst_port));
	}
	if (r->n_media > 0 && r->rtcp)
		json_object_set_new(object, "rtcp",
			json_pack("{s:i, s:I}", "type", (int)m[1], "ssrc", be(m + 4, 4)));
	else if (r->n_media > 0)
		json_object_set_new(object, "rtp",
			json_pack("{s:I, s:I, s:I, s:i, s:b}", "ssrc", be(m + 8, 4), "seq",
				be(m + 2, 2), "timestamp", be(m + 4, 4), "payload_type", m[1] & 127,
				"marker", m[1] >> 7));
}

static json_t *show_steps(const struct engine *engine, const struct trace_record *r)
{
	double per_ns = (double)engine->shared.tsc_hz / 1e9;
	json_t *steps = json_array();

	for (unsigned i = 0; i < r->n_steps; i++) {
		uint32_t before = i > 0 ? r->steps[i - 1].cycles : 0;
		const struct trace_step *s = &r->steps[i];

		json_array_append_new(steps,
			json_pack("{s:s, s:i, s:I, s:I}", "stage", stage_names[s->stage], "batch",
				s->packets, "at_ns", (json_int_t)((double)s->cycles / per_ns),
				"took_ns", (json_int_t)((double)(s->cycles - before) / per_ns)));
	}
	return steps;
}

static json_t *show_packet(
	const struct engine *engine, unsigned number, const struct trace_record *r)
{
	double age = (double)(rte_rdtsc() - r->tsc) / (double)engine->shared.tsc_hz;
	json_t *object = json_pack("{s:i, s:i, s:i, s:f, s:s, s:I, s:o, s:s}", "packet",
		(int)number, "filter", (int)r->filter, "worker", (int)r->worker, "age_s", age,
		"from", side_names[r->side], "bytes", (json_int_t)r->bytes, "session",
		r->session ? json_integer(r->session) : json_null(), "end", end_names[r->end]);

	if (r->end == TRACE_END_DROPPED) {
		json_object_set_new(object, "reason", json_string(drop_names[r->reason]));
		json_object_set_new(object, "meaning", json_string(drop_helps[r->reason]));
	} else if (r->end == TRACE_END_SENT) {
		json_object_set_new(object, "out", json_string(side_names[r->out]));
	} else if (r->end == TRACE_END_HANDOVER) {
		json_object_set_new(object, "to_worker", json_integer(r->owner));
	}
	add_headers(object, r);
	json_object_set_new(object, "steps", show_steps(engine, r));
	return object;
}

static unsigned count_packets(const struct trace *trace)
{
	unsigned used = trace ? __atomic_load_n(&trace->used, __ATOMIC_RELAXED) : 0;

	return used < TRACE_MAX ? used : TRACE_MAX;
}

json_t *api_trace_list(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"after", "limit", NULL};
	const uint64_t first = 0, most = LIST_MAX;
	const struct engine *engine = user;
	const struct trace *trace = engine->trace;
	json_t *packets, *filters;
	uint64_t after, limit;

	if (rpc_known(call, params, known) < 0 ||
		rpc_uint(call, params, "after", TRACE_MAX, &first, &after) < 0 ||
		rpc_uint(call, params, "limit", LIST_MAX, &most, &limit) < 0)
		return NULL;
	if (limit == 0)
		return rpc_fail(call, RPC_INVALID_PARAMS, "limit",
			"limit: expected an integer from 1 to %d", LIST_MAX);
	filters = json_array();
	packets = json_array();
	for (unsigned i = 0; trace && i < trace->n_filters; i++)
		json_array_append_new(filters, show_filter(&trace->filters[i]));
	for (; after < count_packets(trace) && limit > 0; after++, limit--) {
		const struct trace_record *r = &trace->records[after];

		if (__atomic_load_n(&r->ready, __ATOMIC_ACQUIRE))
			json_array_append_new(packets, show_packet(engine, (unsigned)after + 1, r));
	}
	return json_pack("{s:o, s:o, s:o}", "filters", filters, "packets", packets, "next",
		after < count_packets(trace) ? json_integer((json_int_t)after) : json_null());
}
