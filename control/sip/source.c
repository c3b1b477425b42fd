// SPDX-License-Identifier: BSD-3-Clause
// Who connects how often, by source address. The event loop's thread.
#include "control/sip/source.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/rand.h>

#define BUCKETS	    4096
#define SOURCES_MAX 65536

struct source {
	LIST_ENTRY(source) entry;
	uint8_t key[8]; // IPv4 address, or the IPv6 prefix
	unsigned connections;
	struct source_bucket rate;
};

LIST_HEAD(source_list, source);

struct source_table {
	unsigned connections, rate, n;
	uint64_t seed;
	unsigned sweep; // the bucket to be cleaned next
	struct source_list buckets[BUCKETS];
};

struct source_table *source_table_new(unsigned connections, unsigned rate)
{
	struct source_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->connections = connections;
	table->rate = rate;
	if (RAND_bytes((unsigned char *)&table->seed, sizeof(table->seed)) != 1) {
		free(table);
		return NULL;
	}
	return table;
}

void source_table_free(struct source_table *table)
{
	struct source *source;

	if (table == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		while ((source = LIST_FIRST(&table->buckets[i])) != NULL) {
			LIST_REMOVE(source, entry);
			free(source);
		}
	}
	free(table);
}

static void key_of(const struct sockaddr_storage *address, uint8_t key[8])
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

	memset(key, 0, 8);
	if (address->ss_family == AF_INET)
		memcpy(key, &((const struct sockaddr_in *)address)->sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(v6))
		memcpy(key, v6->s6_addr + 12, 4);
	else
		memcpy(key, v6->s6_addr, 8);
}

static struct source_list *bucket_of(struct source_table *table, const uint8_t key[8])
{
	uint64_t hash;

	memcpy(&hash, key, sizeof(hash));
	hash = (hash ^ table->seed) * 0x9e3779b97f4a7c15u;
	hash = (hash ^ hash >> 32) * (table->seed | 1);
	return &table->buckets[hash >> 52];
}

static struct source *find(struct source_table *table, const uint8_t key[8])
{
	struct source *source;

	LIST_FOREACH (source, bucket_of(table, key), entry) {
		if (memcmp(source->key, key, 8) == 0)
			break;
	}
	return source;
}

// What a bucket has got back since it was looked at last.
static void refill(struct source_bucket *bucket, unsigned rate, uint64_t now_ms)
{
	uint64_t gained = (now_ms - bucket->at_ms) * rate;

	bucket->spent -= gained < bucket->spent ? gained : bucket->spent;
	bucket->at_ms = now_ms;
}

unsigned source_bucket_take(struct source_bucket *bucket, unsigned rate, uint64_t now_ms)
{
	uint64_t all = 2000ull * rate;

	refill(bucket, rate, now_ms);
	if (bucket->spent + 1000 <= all) {
		bucket->spent += 1000;
		return 0;
	}
	return (unsigned)((bucket->spent + 1000 - all + rate - 1) / rate);
}

// A source that has neither connections nor spent anything need not be remembered.
static bool is_idle(const struct source_table *table, struct source *source, uint64_t now_ms)
{
	if (source->connections > 0)
		return false;
	refill(&source->rate, table->rate, now_ms);
	return source->rate.spent == 0;
}

// Looks at some of the buckets, so that no single call takes long.
static void sweep(struct source_table *table, uint64_t now_ms, unsigned buckets)
{
	while (buckets-- > 0) {
		struct source *source = LIST_FIRST(&table->buckets[table->sweep]), *next;
		for (; source != NULL; source = next) {
			next = LIST_NEXT(source, entry);
			if (is_idle(table, source, now_ms)) {
				LIST_REMOVE(source, entry);
				free(source);
				table->n--;
			}
		}
		table->sweep = (table->sweep + 1) % BUCKETS;
	}
}

static struct source *add(struct source_table *table, const uint8_t key[8])
{
	struct source *source = table->n >= SOURCES_MAX ? NULL : calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	memcpy(source->key, key, 8);
	LIST_INSERT_HEAD(bucket_of(table, key), source, entry);
	table->n++;
	return source;
}

const char *source_add(
	struct source_table *table, const struct sockaddr_storage *address, uint64_t now_ms)
{
	struct source *source;
	uint8_t key[8];

	key_of(address, key);
	sweep(table, now_ms, 4);
	source = find(table, key);
	if (source == NULL)
		source = add(table, key);
	if (source == NULL)
		return "too many sources";
	if (source->connections >= table->connections)
		return "too many connections of this source";
	if (source_bucket_take(&source->rate, table->rate, now_ms) != 0)
		return "too many new connections a second of this source";
	source->connections++;
	return NULL;
}

void source_del(struct source_table *table, const struct sockaddr_storage *address)
{
	struct source *source;
	uint8_t key[8];

	key_of(address, key);
	source = find(table, key);
	if (source != NULL && source->connections > 0)
		source->connections--;
}
