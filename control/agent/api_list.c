// SPDX-License-Identifier: BSD-3-Clause
// Lists on the agent's socket, page by page: the maps have no order, so each page sorts what there
// is. The agent's one thread.
#include "control/agent/api_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 1000 // rows of a page

// One row: what it is sorted by, and the struct behind it.
struct row {
	const char *endpoint, *name; // of a call: "" and its id
	void *of;
};

struct list {
	struct row *rows;
	size_t n;
	int (*order)(const void *, const void *);
	json_t *(*show)(const void *of);
};

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->endpoint, y->endpoint);

	return order ? order : strcmp(x->name, y->name);
}

// "c7" before "c12"
static int by_number(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	size_t m = strlen(x->name), n = strlen(y->name);

	return m != n ? (m > n) - (m < n) : strcmp(x->name, y->name);
}

static int list_alloc(struct list *list, size_t max)
{
	list->rows = calloc(max ? max : 1, sizeof(*list->rows));
	return list->rows ? 0 : -ENOMEM;
}

static void list_add(struct list *list, const char *endpoint, const char *name, void *of)
{
	list->rows[list->n++] = (struct row){endpoint, name, of};
}

// The first row behind `after`, "NAME" or "ENDPOINT NAME".
static size_t find_after(const struct list *list, const char *after)
{
	char text[2 * MSG_AOR_MAX];
	struct row row = {"", text, NULL};
	size_t i = 0;
	char *space;

	snprintf(text, sizeof(text), "%s", after);
	space = strchr(text, ' ');
	if (space) {
		*space = '\0';
		row.endpoint = text;
		row.name = space + 1;
	}
	while (i < list->n && list->order(&list->rows[i], &row) <= 0)
		i++;
	return i;
}

static json_t *cursor(const struct row *row)
{
	return *row->endpoint ? json_sprintf("%s %s", row->endpoint, row->name)
			      : json_string(row->name);
}

// The answer to `params`: so many rows behind "after", and the "after" of the next page.
static json_t *page(struct list *list, struct rpc_call *rpc, json_t *params, const char *field)
{
	static const uint64_t fallback = LIMIT_MAX;
	const char *after = rpc_string(rpc, params, "after", 2 * MSG_AOR_MAX - 1, false);
	json_t *rows, *next;
	uint64_t limit;
	size_t i, end;

	if (rpc_failed(rpc) || rpc_uint(rpc, params, "limit", LIMIT_MAX, &fallback, &limit))
		return NULL;
	if (limit == 0)
		return rpc_fail(rpc, RPC_INVALID_PARAMS, "limit", "limit: expected 1 to 1000");
	qsort(list->rows, list->n, sizeof(*list->rows), list->order);
	i = after ? find_after(list, after) : 0;
	end = list->n - i > limit ? i + limit : list->n;
	next = end < list->n ? cursor(&list->rows[end - 1]) : json_null();
	rows = json_array();
	for (; i < end; i++)
		json_array_append_new(rows, list->show(list->rows[i].of));
	return json_pack("{s:o, s:o}", field, rows, "next", next);
}

static json_t *show_call(const void *of)
{
	return call_json(of);
}

json_t *api_list_calls(struct agent *agent, struct rpc_call *rpc, json_t *params)
{
	static const char *const fields[] = {"after", "limit", NULL};
	struct list list = {.order = by_number, .show = show_call};
	struct map_node *node, *next;
	json_t *result;

	if (rpc_known(rpc, params, fields))
		return NULL;
	if (list_alloc(&list, agent->calls->by_id.count))
		return rpc_fail(rpc, RPC_INTERNAL_ERROR, NULL, "out of memory");
	MAP_FOREACH(&agent->calls->by_id, node, next)
	{
		struct call *call = map_entry(node, struct call, by_id);

		list_add(&list, "", call->id, call);
	}
	result = page(&list, rpc, params, "calls");
	free(list.rows);
	return result;
}

static json_t *show_peer(const void *of)
{
	return peer_json(of);
}

static void add_peers(struct list *list, struct endpoint *endpoint)
{
	struct map_node *node, *next;

	MAP_FOREACH(&endpoint->peers, node, next)
	{
		struct peer *peer = map_entry(node, struct peer, node);

		list_add(list, endpoint->aor, peer->aor, peer);
	}
}

static size_t count_peers(struct agent *agent)
{
	struct map_node *node, *next;
	size_t n = 0;

	MAP_FOREACH(&agent->endpoints, node, next)
	n += map_entry(node, struct endpoint, node)->peers.count;
	return n;
}

json_t *api_list_peers(
	struct agent *agent, struct endpoint *endpoint, struct rpc_call *rpc, json_t *params)
{
	struct list list = {.order = by_name, .show = show_peer};
	struct map_node *node, *next;
	json_t *result;

	if (list_alloc(&list, endpoint ? endpoint->peers.count : count_peers(agent)))
		return rpc_fail(rpc, RPC_INTERNAL_ERROR, NULL, "out of memory");
	if (endpoint)
		add_peers(&list, endpoint);
	else
		MAP_FOREACH(&agent->endpoints, node, next)
	add_peers(&list, map_entry(node, struct endpoint, node));
	result = page(&list, rpc, params, "peers");
	free(list.rows);
	return result;
}
