// SPDX-License-Identifier: BSD-3-Clause
// The flow table, DPDK's rte_hash and liburcu's cds_lfht, each used as its makers mean it to be.
// Any thread; lookup_table.h says which.
#include "bench/lookup_table.h"

#include <stdlib.h>
#include <string.h>

#include "engine/rcu.h"

#include <urcu/rculfhash.h>

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_prefetch.h>

#include "bench/bench.h"
#include "engine/flow.h"

// What tells streams apart, for those tables that hash.
struct key {
	struct in6_addr local, remote;
	rte_be16_t local_port, remote_port;
	uint32_t zero; // rte_hash_crc() reads words of 8 bytes
} __attribute__((aligned(8)));
static_assert(sizeof(struct key) == 40, "no bytes but these are hashed");

struct lfht_entry {
	struct cds_lfht_node node;
	struct key key;
	uint32_t session;
} __attribute__((aligned(64)));

struct lookup_table {
	uint32_t n;
	struct stream *streams;
	struct lfht_entry *entries;
	struct flow_table *flows;
	struct rte_hash *hash;
	int32_t *places; // in `hash`, of those taken out
	struct cds_lfht *lfht;
	// What streams point to and prefetch: one of each, so that the table alone is cold
	struct context *context;
	struct nexthop *nexthop;
	struct stream_state *state;
};

// ---- streams

static void set_ip(struct in6_addr *out, uint32_t ip)
{
	memset(out, 0, sizeof(*out));
	out->s6_addr32[2] = RTE_BE32(0xffff);
	out->s6_addr32[3] = rte_cpu_to_be_32(ip);
}

static void local_of(uint32_t stream, struct in6_addr *ip, uint16_t *port)
{
	set_ip(ip, 10u << 24 | stream / LOOKUP_PER_ADDRESS << 8 | 1);
	*port = (uint16_t)(1024 + stream % LOOKUP_PER_ADDRESS);
}

// Every peer has an address of its own; its port is even.
static void remote_of(uint32_t stream, struct in6_addr *ip, uint16_t *port)
{
	set_ip(ip, 100u << 24 | stream);
	*port = (uint16_t)(16384 + 2 * (stream % 8192));
}

void lookup_parse(uint32_t stream, bool missing, struct parse *out)
{
	uint16_t local, remote;

	local_of(stream, &out->dst, &local);
	remote_of(stream, &out->src, &remote);
	out->dst_port = rte_cpu_to_be_16(local);
	out->src_port = rte_cpu_to_be_16(missing ? remote + 1 : remote);
	out->kind = PARSE_UDP;
}

static void key_of(const struct parse *parse, struct key *key)
{
	key->local = parse->dst;
	key->remote = parse->src;
	key->local_port = parse->dst_port;
	key->remote_port = parse->src_port;
	key->zero = 0;
}

static void key_of_stream(uint32_t stream, struct key *key)
{
	struct parse parse;

	lookup_parse(stream, false, &parse);
	key_of(&parse, key);
}

static struct lookup_table *new_table(uint32_t n)
{
	struct lookup_table *table = calloc(1, sizeof(*table));

	if (!table)
		bench_fail("out of memory");
	table->n = n;
	return table;
}

static void make_streams(struct lookup_table *table)
{
	static const uint8_t zero[SUITE_KEY_MAX];
	const struct context_params params = {
		.suite = SUITE_AEAD_AES_128_GCM, .key = zero, .salt = zero};

	if (context_backend_init("ipsec_mb") != 0 && context_backend_init("libsrtp2") != 0)
		bench_fail("no crypto back end");
	table->streams = bench_memory(table->n * sizeof(struct stream));
	table->context = context_new(&params);
	table->nexthop = bench_memory(sizeof(*table->nexthop));
	table->state = bench_memory(sizeof(*table->state));
	for (uint32_t i = 0; i < table->n; i++) {
		struct stream *stream = &table->streams[i];

		remote_of(i, &stream->remote, &stream->remote_port);
		stream->session = i;
		stream->context = table->context;
		stream->nexthop = table->nexthop;
		stream->state = table->state;
	}
}

static void free_streams(struct lookup_table *table)
{
	context_free(table->context);
	bench_memory_free(table->nexthop);
	bench_memory_free(table->state);
	bench_memory_free(table->streams);
	free(table);
}

// ---- ours

static struct lookup_table *flow_new(uint32_t n)
{
	struct lookup_table *table = new_table(n);

	make_streams(table);
	table->flows = flow_table_new();
	for (uint32_t i = 0; i < n; i += LOOKUP_PER_ADDRESS) {
		struct in6_addr local;
		uint16_t port;

		local_of(i, &local, &port);
		if (!table->flows || flow_reserve(table->flows, &local) != 0)
			bench_fail("no memory for the flow table");
	}
	return table;
}

static void flow_free(struct lookup_table *table)
{
	flow_table_free(table->flows);
	free_streams(table);
}

static void flow_add_stream(struct lookup_table *table, uint32_t stream)
{
	struct in6_addr local;
	uint16_t port;

	local_of(stream, &local, &port);
	flow_add(table->flows, &local, port, &table->streams[stream]);
}

static void flow_del_stream(struct lookup_table *table, uint32_t stream)
{
	struct in6_addr local;
	uint16_t port;

	local_of(stream, &local, &port);
	flow_del(table->flows, &local, port, &table->streams[stream]);
}

static uint64_t flow_look_up(
	struct lookup_table *table, const struct parse *const packets[], uint32_t *found)
{
	const struct stream *streams[LOOKUP_BURST];
	uint8_t results[LOOKUP_BURST];
	uint64_t sum = 0;

	flow_lookup_burst(table->flows, packets, streams, results, LOOKUP_BURST);
	for (unsigned i = 0; i < LOOKUP_BURST; i++) {
		if (results[i] != FLOW_FOUND)
			continue;
		sum += streams[i]->session;
		++*found;
	}
	return sum;
}

// ---- rte_hash: lock-free readers, whole bursts

static struct lookup_table *hash_new(uint32_t n)
{
	const struct rte_hash_parameters params = {
		.name = "bench_lookup",
		.entries = n + n / 4, // a cuckoo hash is slow to fill to the brim
		.key_len = sizeof(struct key),
		.hash_func = rte_hash_crc,
		.extra_flag =
			RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct lookup_table *table = new_table(n);

	make_streams(table);
	table->hash = rte_hash_create(&params);
	table->places = calloc(n, sizeof(*table->places));
	if (!table->hash || !table->places)
		bench_fail("no memory for rte_hash");
	return table;
}

static void hash_free(struct lookup_table *table)
{
	rte_hash_free(table->hash);
	free(table->places);
	free_streams(table);
}

static void hash_add(struct lookup_table *table, uint32_t stream)
{
	struct key key;

	key_of_stream(stream, &key);
	if (rte_hash_add_key_data(table->hash, &key, &table->streams[stream]) != 0)
		bench_fail("rte_hash is full");
}

static void hash_del(struct lookup_table *table, uint32_t stream)
{
	struct key key;

	key_of_stream(stream, &key);
	table->places[stream] = rte_hash_del_key(table->hash, &key);
}

static void hash_reclaim(struct lookup_table *table, uint32_t stream)
{
	rte_hash_free_key_with_position(table->hash, table->places[stream]);
}

static uint64_t hash_look_up(
	struct lookup_table *table, const struct parse *const packets[], uint32_t *found)
{
	struct key keys[LOOKUP_BURST];
	const void *pointers[LOOKUP_BURST];
	void *streams[LOOKUP_BURST];
	uint64_t hits = 0, sum = 0;

	for (unsigned i = 0; i < LOOKUP_BURST; i++) {
		key_of(packets[i], &keys[i]);
		pointers[i] = &keys[i];
	}
	rte_hash_lookup_bulk_data(table->hash, pointers, LOOKUP_BURST, &hits, streams);
	for (uint64_t left = hits; left; left &= left - 1)
		rte_prefetch0(streams[__builtin_ctzll(left)]);
	for (uint64_t left = hits; left; left &= left - 1)
		sum += ((const struct stream *)streams[__builtin_ctzll(left)])->session;
	*found += (uint32_t)__builtin_popcountll(hits);
	return sum;
}

// ---- cds_lfht: one at a time; its node is in the stream's first line, with the key

static struct lookup_table *lfht_new(uint32_t n)
{
	struct lookup_table *table = new_table(n);
	unsigned long buckets = 1;

	while (buckets < n)
		buckets *= 2;
	table->entries = bench_memory(n * sizeof(*table->entries));
	table->lfht = cds_lfht_new(buckets, buckets, buckets, 0, NULL);
	if (!table->lfht)
		bench_fail("no memory for cds_lfht");
	for (uint32_t i = 0; i < n; i++) {
		key_of_stream(i, &table->entries[i].key);
		table->entries[i].session = i;
	}
	return table;
}

// As rte_hash_crc(), whose reads of the key as words the compiler may move before its writes.
static unsigned long hash_of(const struct key *key)
{
	uint64_t words[4];
	uint32_t ports, crc = 0;

	memcpy(words, key, sizeof(words));
	memcpy(&ports, (const uint8_t *)key + sizeof(words), sizeof(ports));
	static_assert(
		sizeof(words) + sizeof(ports) == offsetof(struct key, zero), "all of the key");
	for (unsigned i = 0; i < 4; i++)
		crc = rte_hash_crc_8byte(words[i], crc);
	return rte_hash_crc_4byte(ports, crc);
}

static int lfht_match(struct cds_lfht_node *node, const void *key)
{
	const struct lfht_entry *entry = caa_container_of(node, struct lfht_entry, node);

	return memcmp(&entry->key, key, sizeof(entry->key)) == 0;
}

static void lfht_add(struct lookup_table *table, uint32_t stream)
{
	struct lfht_entry *entry = &table->entries[stream];

	cds_lfht_add(table->lfht, hash_of(&entry->key), &entry->node);
}

static void lfht_del(struct lookup_table *table, uint32_t stream)
{
	cds_lfht_del(table->lfht, &table->entries[stream].node);
}

static void lfht_free(struct lookup_table *table)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_for_each(table->lfht, &iter, node) cds_lfht_del(table->lfht, node);
	cds_lfht_destroy(table->lfht, NULL);
	bench_memory_free(table->entries);
	free(table);
}

static uint64_t lfht_look_up(
	struct lookup_table *table, const struct parse *const packets[], uint32_t *found)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LOOKUP_BURST; i++) {
		struct cds_lfht_iter iter;
		struct cds_lfht_node *node;
		struct key key;

		key_of(packets[i], &key);
		cds_lfht_lookup(table->lfht, hash_of(&key), lfht_match, &key, &iter);
		node = cds_lfht_iter_get_node(&iter);
		if (!node)
			continue;
		sum += caa_container_of(node, struct lfht_entry, node)->session;
		++*found;
	}
	return sum;
}

const struct lookup_ops lookup_tables[LOOKUP_TABLES] = {
	{"flow", flow_new, flow_free, flow_add_stream, flow_del_stream, NULL, flow_look_up},
	{"rte_hash", hash_new, hash_free, hash_add, hash_del, hash_reclaim, hash_look_up},
	{"cds_lfht", lfht_new, lfht_free, lfht_add, lfht_del, NULL, lfht_look_up},
};
