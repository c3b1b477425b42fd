// SPDX-License-Identifier: BSD-3-Clause
// A hash of sessions by id, and a list in the order of the ids; control thread.
#include "engine/session_table.h"

#include <errno.h>
#include <stdlib.h>

#define PROBE 1024 // ids

void session_table_params(const struct session *session, struct session_params *params)
{
	*params = (struct session_params){
		.wire_local = session->wire_local,
		.wire_remote = session->wire_remote,
		.host_local = session->host_local,
		.host_remote = session->host_remote,
		.suite = (enum suite_id)session->suite,
		.window = session->window,
		.media_timeout_ms = session->media_timeout_ms,
		.direction = (enum session_direction)session->direction,
		.tag = session->tag,
		.synthetic = session->synthetic,
	};
}

void session_table_keep(struct session *session, const struct session_params *params)
{
	session->wire_local = params->wire_local;
	session->wire_remote = params->wire_remote;
	session->host_local = params->host_local;
	session->host_remote = params->host_remote;
	session->suite = (uint8_t)params->suite;
	session->window = params->window;
	session->media_timeout_ms = params->media_timeout_ms;
	session->direction = (uint8_t)params->direction;
	session->synthetic = params->synthetic;
}

int session_table_init(struct session_table *table, unsigned max)
{
	unsigned n = 1024;

	while (n < max)
		n *= 2;
	table->buckets = calloc(n, sizeof(table->buckets[0]));
	if (!table->buckets)
		return -ENOMEM;
	table->n_buckets = n;
	table->max = max;
	return 0;
}

void session_table_fini(struct session_table *table)
{
	free(table->buckets);
	table->buckets = NULL;
}

// Ids count up, so their low bits spread evenly.
static struct session **bucket(const struct session_table *table, uint32_t id)
{
	return &table->buckets[id & (table->n_buckets - 1)];
}

struct session *session_table_find(const struct session_table *table, uint32_t id)
{
	struct session *session = *bucket(table, id);

	while (session && session->id != id)
		session = session->hash_next;
	return session;
}

struct session *session_table_after(const struct session_table *table, uint32_t after)
{
	struct session *session = session_table_find(table, after);

	if (session)
		return session->next;
	// It has been removed: one of the next ids is likely there, and lists do not walk from the
	// first session
	for (uint32_t id = after + 1; id != 0 && id - after <= PROBE; id++) {
		session = session_table_find(table, id);
		if (session)
			return session;
	}
	session = table->first;
	while (session && session->id <= after)
		session = session->next;
	return session;
}

// Behind the last session with a smaller id: at the end, until the ids have wrapped.
static void link_ordered(struct session_table *table, struct session *session)
{
	struct session *before = table->last;

	while (before && before->id > session->id)
		before = before->prev;
	session->prev = before;
	session->next = before ? before->next : table->first;
	if (session->next)
		session->next->prev = session;
	else
		table->last = session;
	if (before)
		before->next = session;
	else
		table->first = session;
}

void session_table_add(struct session_table *table, struct session *session)
{
	struct session **head;

	do {
		table->last_id++;
	} while (table->last_id == 0 || session_table_find(table, table->last_id));
	session->id = table->last_id;
	head = bucket(table, session->id);
	session->hash_next = *head;
	*head = session;
	link_ordered(table, session);
	table->count++;
}

void session_table_del(struct session_table *table, struct session *session)
{
	struct session **link = bucket(table, session->id);

	while (*link != session)
		link = &(*link)->hash_next;
	*link = session->hash_next;
	if (session->next)
		session->next->prev = session->prev;
	else
		table->last = session->prev;
	if (session->prev)
		session->prev->next = session->next;
	else
		table->first = session->next;
	table->count--;
}
