// SPDX-License-Identifier: BSD-3-Clause
// The flow table and its alternatives behind one interface, over the same streams.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pktio/parse.h"

#define LOOKUP_BURST	   32
#define LOOKUP_PER_ADDRESS 63000 // streams on the ports of one local address
#define LOOKUP_ADDRESSES   16
#define LOOKUP_STREAMS_MAX (LOOKUP_PER_ADDRESS * LOOKUP_ADDRESSES)
#define LOOKUP_TABLES	   3

struct lookup_table;

struct lookup_ops {
	const char *name;
	// Of streams 0 to n - 1, empty. Ends the program when there is no memory.
	struct lookup_table *(*new_table)(uint32_t n);
	void (*free_table)(struct lookup_table *table);

	// The writer's thread. A stream that was taken out may come back once its place was given
	// up by reclaim(), a grace period later; NULL: nothing to give up.
	void (*add)(struct lookup_table *table, uint32_t stream);
	void (*del)(struct lookup_table *table, uint32_t stream);
	void (*reclaim)(struct lookup_table *table, uint32_t stream);

	// A reader, online in RCU: looks up LOOKUP_BURST packets and reads the first line of each
	// stream found. The sum of what it read, and how many were found.
	uint64_t (*lookup)(
		struct lookup_table *table, const struct parse *const packets[], uint32_t *found);
};

extern const struct lookup_ops lookup_tables[LOOKUP_TABLES];

// What the parser says of a packet of this stream; or of one that comes to its local address and
// port from another remote port, which no stream has.
void lookup_parse(uint32_t stream, bool missing, struct parse *out);
