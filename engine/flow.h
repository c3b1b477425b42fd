// SPDX-License-Identifier: BSD-3-Clause
// The flow table of one port: for each local address an array of all UDP ports, each with the chain
// of its streams. The control thread is the only writer; workers read under RCU (QSBR).
#pragma once

#include "engine/stream.h"
#include "pktio/parse.h"

#define FLOW_ADDRESSES 16  // local addresses with streams at one time
#define FLOW_CHAIN_MAX 256 // streams on one local port

struct flow_table;

struct flow_table *flow_table_new(void);
// After a grace period without readers.
void flow_table_free(struct flow_table *table);

// ---- control thread

// Makes sure that flow_add() on this local address has a place. 0, -ENOMEM, -ENOSPC.
int flow_reserve(struct flow_table *table, const struct in6_addr *local);

// The stream at a local address and port that packets of this remote would find, or NULL. A remote
// port of 0 on either side is any.
const struct stream *flow_find(const struct flow_table *table, const struct in6_addr *local,
	uint16_t port, const struct in6_addr *remote, uint16_t remote_port);
// How many streams are on this local port.
unsigned flow_count(const struct flow_table *table, const struct in6_addr *local, uint16_t port);

// Publishes a stream at `port`. The caller has reserved the address and looked for conflicts. A
// stream that is at two ports (RTP and RTCP) must be alone on both: there is one chain pointer.
void flow_add(struct flow_table *table, const struct in6_addr *local, uint16_t port,
	struct stream *stream);
// Takes it out; the stream may be used by workers until a grace period has passed.
void flow_del(struct flow_table *table, const struct in6_addr *local, uint16_t port,
	struct stream *stream);
// Puts `new` in the place of `old`, at once for every reader.
void flow_replace(struct flow_table *table, const struct in6_addr *local, uint16_t port,
	struct stream *old, struct stream *new);

// ---- workers

enum flow_result {
	FLOW_FOUND,
	FLOW_NONE,	   // no stream has this local address and port
	FLOW_WRONG_SOURCE, // streams have, but not with this remote
};

// Looks up n packets (PARSE_UDP, all of them) and prefetches what the next stages read. The streams
// are valid until the worker's next quiescent state.
void flow_lookup_burst(const struct flow_table *table, const struct parse *const packets[],
	const struct stream *streams[], uint8_t results[], unsigned n);
