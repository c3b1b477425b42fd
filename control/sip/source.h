// SPDX-License-Identifier: BSD-3-Clause
// Who connects how often: connections and their rate by source address (IPv6: by its /64).
#pragma once

#include <stdint.h>
#include <sys/socket.h>

struct source_table;

// At most `connections` at a time of one source, and `rate` new ones a second with bursts of twice
// as many. NULL on lack of memory.
struct source_table *source_table_new(unsigned connections, unsigned rate);
void source_table_free(struct source_table *table);

// Counts a connection. NULL if it is allowed; else it was not counted, and this says why not.
const char *source_add(
	struct source_table *table, const struct sockaddr_storage *address, uint64_t now_ms);
// One that was counted has gone.
void source_del(struct source_table *table, const struct sockaddr_storage *address);

// A token bucket: `rate` a second, twice as many at once. All zero, it is full.
struct source_bucket {
	uint64_t at_ms; // when it was looked at last
	uint64_t spent; // in thousandths
};
// Takes one. 0, or after how many milliseconds there will be one.
unsigned source_bucket_take(struct source_bucket *bucket, unsigned rate, uint64_t now_ms);
