// SPDX-License-Identifier: BSD-3-Clause
// All sessions, by id and in the order of their ids. Control thread.
#pragma once

#include "engine/session.h"
#include "engine/stream.h"

// One direction of a session: what the workers read, and what has to be freed behind it.
struct session_stream {
	struct stream *stream;
	struct stream_state *state;
};

struct session {
	uint32_t id;
	uint64_t added_tsc;
	uint64_t timeout_tsc; // media is waited for since then
	bool first_wire, first_host, timed_out, exhausted_rx, exhausted_tx; // events told
	uint64_t exhausted_rx_before, exhausted_tx_before; // packets dropped under earlier keys
	struct session_params params;			   // keys are zero; the tag is ours
	struct session_stream rx, tx;			   // from the wire, to the wire
	struct session *hash_next, *prev, *next;
};

struct session_table {
	unsigned count, max;
	uint32_t last_id;
	unsigned n_buckets;
	struct session **buckets;
	struct session *first, *last; // by id
};

// 0 or -ENOMEM.
int session_table_init(struct session_table *table, unsigned max);
void session_table_fini(struct session_table *table);

struct session *session_table_find(const struct session_table *table, uint32_t id);
// The first with an id above `after`, or NULL.
struct session *session_table_after(const struct session_table *table, uint32_t after);
// Gives the session an id that none has and adds it.
void session_table_add(struct session_table *table, struct session *session);
void session_table_del(struct session_table *table, struct session *session);
