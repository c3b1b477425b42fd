// SPDX-License-Identifier: BSD-3-Clause
// The API's lists. A page takes the control thread a bounded time: so many rows, and so many
// sessions looked at, whether they match or not. Control thread.
#include "engine/api_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/api.h"
#include "engine/api_params.h"
#include "engine/core.h"
#include "engine/session_filter.h"

#define ROWS_MAX 1000
#define SCAN_MAX 10000 // sessions looked at for a page

// What a request of a list asks for.
struct page {
	struct engine *engine;
	uint64_t after, limit;
	uint64_t session; // 0: all
	struct session_filter filter;
	json_t *rows;
	unsigned matched;
};

static int read_page(
	struct rpc_call *call, json_t *params, const char *const known[], struct page *page)
{
	const uint64_t first = 0, most = ROWS_MAX;

	if (rpc_known(call, params, known) < 0 ||
		rpc_uint(call, params, "after", UINT32_MAX, &first, &page->after) < 0 ||
		rpc_uint(call, params, "limit", ROWS_MAX, &most, &page->limit) < 0)
		return -1;
	if (page->limit > 0)
		return 0;
	rpc_fail(call, RPC_INVALID_PARAMS, "limit", "limit: expected an integer from 1 to %d",
		ROWS_MAX);
	return -1;
}

// ---- sessions

// Shows matching sessions until the page is full. `next`: where to go on.
static json_t *walk(
	struct page *page, void (*show)(struct page *page, const struct session *session))
{
	const struct session_table *table = &page->engine->sessions;
	const struct session *s = session_table_after(table, (uint32_t)page->after);
	uint32_t last = (uint32_t)page->after;

	for (unsigned scanned = 0; s && scanned < SCAN_MAX; s = s->next, scanned++) {
		if (json_array_size(page->rows) >= page->limit)
			break;
		last = s->id;
		if (session_filter_match(&page->filter, s)) {
			page->matched++;
			show(page, s);
		}
	}
	return s ? json_integer(last) : json_null();
}

static int read_filtered(void *user, struct rpc_call *call, json_t *params, struct page *page)
{
	static const char *const known[] = {"after", "limit", SESSION_FILTER_FIELDS, NULL};

	page->engine = user;
	if (read_page(call, params, known, page) < 0)
		return -1;
	return session_filter_read(user, call, params, &page->filter);
}

static void show_session(struct page *page, const struct session *session)
{
	struct session_info info;

	if (session_get(page->engine, session->id, &info) == 0)
		json_array_append_new(page->rows, api_params_show(&info));
}

json_t *api_table_sessions(void *user, struct rpc_call *call, json_t *params)
{
	struct page page = {0};

	if (read_filtered(user, call, params, &page) < 0)
		return NULL;
	page.rows = json_array();
	json_t *next = walk(&page, show_session);
	return json_pack("{s:o, s:o}", "sessions", page.rows, "next", next);
}

static void show_nothing(struct page *page, const struct session *session)
{
	(void)page;
	(void)session;
}

json_t *api_table_session_count(void *user, struct rpc_call *call, json_t *params)
{
	struct page page = {0};

	if (read_filtered(user, call, params, &page) < 0)
		return NULL;
	json_t *next = walk(&page, show_nothing);
	return json_pack("{s:i, s:i, s:o}", "matched", (int)page.matched, "sessions",
		(int)session_count(user), "next", next);
}

// ---- what belongs to sessions: of one, or of all, where a page ends with a whole session

static json_t *list_of_sessions(void *user, struct rpc_call *call, json_t *params,
	const char *field, void (*show)(struct page *page, const struct session *session))
{
	static const char *const known[] = {"after", "limit", "session", NULL};
	const uint64_t all = 0;
	struct page page = {.engine = user};
	json_t *next;

	if (read_page(call, params, known, &page) < 0 ||
		rpc_uint(call, params, "session", UINT32_MAX, &all, &page.session) < 0)
		return NULL;
	page.rows = json_array();
	if (!json_object_get(params, "session")) {
		next = walk(&page, show);
	} else {
		const struct session *s =
			session_table_find(&page.engine->sessions, (uint32_t)page.session);

		if (!s) {
			json_decref(page.rows);
			return rpc_fail(call, RPC_NOT_FOUND, "session",
				"session: no session %" PRIu64, page.session);
		}
		show(&page, s);
		next = json_null();
	}
	return json_pack("{s:o, s:o}", field, page.rows, "next", next);
}

// ---- streams

#define SSRCS_MAX 80 // of a stream

// One source of a stream. Of all but the last that was heard, only the index is kept; what did not
// authenticate is of the direction, not of any source.
static void show_ssrc(struct page *page, const struct session *session, const struct stream *stream,
	const struct context_ssrc *ssrc)
{
	const struct stream_state *state = stream->state;
	const struct reception *r = &state->reception;
	uint32_t owner = __atomic_load_n(&state->owner, __ATOMIC_RELAXED);
	bool current = __atomic_load_n(&r->received, __ATOMIC_RELAXED) > 0 &&
		       __atomic_load_n(&r->ssrc, __ATOMIC_RELAXED) == ssrc->ssrc;
	json_t *row = json_pack("{s:I, s:s, s:I, s:I, s:I, s:b, s:o}", "session",
		(json_int_t)session->id, "direction", stream->to_wire ? "tx" : "rx", "ssrc",
		(json_int_t)ssrc->ssrc, "sequence", (json_int_t)(ssrc->index & 0xffff), "roc",
		(json_int_t)(ssrc->index >> 16), "current", current, "worker",
		owner ? json_integer(owner - 1) : json_null());

	if (current)
		json_object_update_new(
			row, json_pack("{s:I, s:I, s:f, s:I, s:I}", "packets",
				     (json_int_t)r->received, "lost", (json_int_t)reception_lost(r),
				     "jitter_us", reception_jitter_us(r), "replayed",
				     (json_int_t)counter_get(&state->replayed), "auth_failed",
				     (json_int_t)counter_get(&state->auth_failed)));
	json_array_append_new(page->rows, row);
}

static void show_direction(
	struct page *page, const struct session *session, const struct stream *stream)
{
	struct context_ssrc ssrcs[SSRCS_MAX];
	unsigned n = context_ssrcs(stream->context, ssrcs, SSRCS_MAX);

	for (unsigned i = 0; i < n; i++)
		show_ssrc(page, session, stream, &ssrcs[i]);
}

static void show_streams(struct page *page, const struct session *session)
{
	show_direction(page, session, session->rx);
	show_direction(page, session, session->tx);
}

json_t *api_table_streams(void *user, struct rpc_call *call, json_t *params)
{
	return list_of_sessions(user, call, params, "streams", show_streams);
}

// ---- keys

static void show_key(struct page *page, const struct session *session, const struct stream *stream,
	const struct session_key *key)
{
	char fingerprint[9];
	uint64_t age = session_since(key->set, rte_rdtsc()) / page->engine->shared.tsc_hz;

	snprintf(fingerprint, sizeof(fingerprint), "%08" PRIx32, key->fingerprint);
	json_array_append_new(page->rows,
		json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:s}", "session", (json_int_t)session->id,
			"direction", stream->to_wire ? "tx" : "rx", "suite",
			suite_table[session->suite].name, "age_s", (json_int_t)age, "packets_left",
			(json_int_t)context_packets_left(stream->context, 0), "rtcp_packets_left",
			(json_int_t)context_packets_left(stream->context, 1), "fingerprint",
			fingerprint));
}

static void show_keys(struct page *page, const struct session *session)
{
	show_key(page, session, session->rx, &session->rx_key);
	show_key(page, session, session->tx, &session->tx_key);
}

json_t *api_table_keys(void *user, struct rpc_call *call, json_t *params)
{
	return list_of_sessions(user, call, params, "keys", show_keys);
}

// ---- next hops

static const char *route_state(const struct nexthop *n, const struct rte_ether_addr *mac)
{
	if (!n->routed)
		return "no_route";
	if (!mac)
		return "resolving";
	return n->holders > 0 ? "reachable" : "kept";
}

struct route_page {
	const char *port;
	json_t *rows;
};

static void show_route(void *arg, const struct nexthop *n, const struct rte_ether_addr *mac)
{
	struct route_page *page = arg;
	char local[ADDRESS_TEXT_MAX], remote[ADDRESS_TEXT_MAX], hop[ADDRESS_TEXT_MAX],
		text[RTE_ETHER_ADDR_FMT_SIZE];

	if (mac)
		rte_ether_format_addr(text, sizeof(text), mac);
	json_array_append_new(page->rows,
		json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s, s:I}", "port", page->port, "local",
			address_text(&n->local, local), "remote", address_text(&n->remote, remote),
			"next_hop", n->routed ? address_text(&n->hop, hop) : NULL, "mac",
			mac ? text : NULL, "state", route_state(n, mac), "streams",
			(json_int_t)n->holders));
}

// `after` is a place in the tables of both sides, which no change of them moves: twice the bucket,
// plus one on the host side.
json_t *api_table_routes(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"after", "limit", NULL};
	struct page page = {.engine = user};
	unsigned side, bucket;

	if (read_page(call, params, known, &page) < 0)
		return NULL;
	page.rows = json_array();
	side = page.after & 1;
	bucket = (unsigned)(page.after >> 1);
	while (side <= SIDE_HOST && json_array_size(page.rows) < page.limit) {
		struct route_page route = {
			worker_role_names[page.engine->sides[side].role], page.rows};

		nexthop_list(page.engine->sides[side].nexthops, &bucket,
			(unsigned)(page.limit - json_array_size(page.rows)), show_route, &route);
		side += bucket == 0;
	}
	return json_pack("{s:o, s:o}", "routes", page.rows, "next",
		side > SIDE_HOST ? json_null() : json_integer(bucket << 1 | side));
}
