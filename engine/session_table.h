// SPDX-License-Identifier: BSD-3-Clause
// All sessions, by id and in the order of their ids. Control thread.
#pragma once

#include "engine/session.h"
#include "engine/stream.h"

// A moment in 32 bits: 27 ms exact at 2.5 GHz, and good for 3 years.
static inline uint32_t session_moment(uint64_t tsc)
{
	return (uint32_t)(tsc >> 26);
}

// The TSC cycles from then until `now`.
static inline uint64_t session_since(uint32_t moment, uint64_t now)
{
	return (uint64_t)(session_moment(now) - moment) << 26;
}

// What is told of a direction's key.
struct session_key {
	uint32_t fingerprint; // of crypto/fingerprint.h, half of it
	uint32_t set;	      // session_moment()
};

// What is kept of a session. Small: there are hundreds of thousands.
struct session {
	uint32_t id;
	uint32_t media_timeout_ms;
	struct session_addr wire_local, wire_remote, host_local, host_remote;
	uint16_t window;
	uint8_t suite;	   // enum suite_id
	uint8_t direction; // enum session_direction
	bool synthetic;
	uint8_t told;	    // events, bits by enum session_event
	uint16_t sampled_s; // by quality.c, as the two below: at the engine's second, modulo 2^16
	uint32_t sampled_packets, sampled_lost;
	// Packets dropped under earlier keys, modulo 2^32
	uint32_t exhausted_rx_before, exhausted_tx_before;
	uint32_t drain;	       // draining since this session_moment()
	uint32_t drain_idle_s; // removed once silent for so long; 0: not draining
	struct session_key rx_key, tx_key;
	const char *tag; // ours; may be NULL
	uint64_t added_tsc;
	uint64_t timeout_tsc;	// media is waited for since then
	struct stream *rx, *tx; // from the wire, to the wire
	struct session *hash_next, *prev, *next;
};
static_assert(sizeof(struct session) == 200, "with the 8 of malloc() a multiple of 16");

struct session_table {
	unsigned count, max;
	uint32_t last_id;
	unsigned n_buckets;
	struct session **buckets;
	struct session *first, *last; // by id
};

// All but the keys, which are zero; the tag stays the session's.
void session_table_params(const struct session *session, struct session_params *params);
// Keeps all but the keys and the tag.
void session_table_keep(struct session *session, const struct session_params *params);

// 0 or -ENOMEM.
int session_table_init(struct session_table *table, unsigned max);
void session_table_fini(struct session_table *table);

struct session *session_table_find(const struct session_table *table, uint32_t id);
// The first with an id above `after`, or NULL.
struct session *session_table_after(const struct session_table *table, uint32_t after);
// Gives the session an id that none has and adds it.
void session_table_add(struct session_table *table, struct session *session);
void session_table_del(struct session_table *table, struct session *session);
