// SPDX-License-Identifier: BSD-3-Clause
// The string map of map.h: chained buckets, SipHash-2-4; the agent's one thread.
#include "control/agent/map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MAP_BUCKETS_MIN 16

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static const uint64_t *secret(void)
{
	static uint64_t key[2];

	while (!key[0] && getrandom(key, sizeof(key), 0) != sizeof(key))
		;
	return key;
}

static uint64_t hash(const char *text)
{
	const uint64_t *key = secret();
	size_t length = strlen(text), i;
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
	uint64_t word;

	for (i = 0; i + 8 <= length; i += 8) {
		memcpy(&word, text + i, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	word = 0;
	memcpy(&word, text + i, length - i);
	word |= (uint64_t)length << 56;
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct map_node **bucket(const struct map *map, uint64_t h)
{
	return &map->buckets[h & (map->n_buckets - 1)];
}

void map_fini(struct map *map)
{
	free(map->buckets);
	memset(map, 0, sizeof(*map));
}

static int grow(struct map *map)
{
	struct map bigger = {.n_buckets = map->n_buckets ? map->n_buckets * 2 : MAP_BUCKETS_MIN};
	struct map_node *node, *next;
	size_t i;

	bigger.buckets = calloc(bigger.n_buckets, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return -ENOMEM;
	for (i = 0; i < map->n_buckets; i++) {
		for (node = map->buckets[i]; node; node = next) {
			struct map_node **to = bucket(&bigger, node->hash);

			next = node->next;
			node->next = *to;
			*to = node;
		}
	}
	free(map->buckets);
	map->buckets = bigger.buckets;
	map->n_buckets = bigger.n_buckets;
	return 0;
}

static struct map_node *find(const struct map *map, const char *key, uint64_t h)
{
	struct map_node *node;

	if (!map->n_buckets)
		return NULL;
	for (node = *bucket(map, h); node; node = node->next) {
		if (node->hash == h && !strcmp(node->key, key))
			return node;
	}
	return NULL;
}

int map_add(struct map *map, struct map_node *node, const char *key)
{
	uint64_t h = hash(key);
	struct map_node **to;

	if (find(map, key, h))
		return -EEXIST;
	if (map->count >= map->n_buckets && grow(map))
		return -ENOMEM;
	to = bucket(map, h);
	*node = (struct map_node){.next = *to, .hash = h, .key = key};
	*to = node;
	map->count++;
	return 0;
}

void map_del(struct map *map, struct map_node *node)
{
	struct map_node **at = bucket(map, node->hash);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	map->count--;
}

struct map_node *map_find(const struct map *map, const char *key)
{
	return map->count ? find(map, key, hash(key)) : NULL;
}

static struct map_node *first_from(const struct map *map, size_t i)
{
	for (; i < map->n_buckets; i++) {
		if (map->buckets[i])
			return map->buckets[i];
	}
	return NULL;
}

struct map_node *map_first(const struct map *map)
{
	return map->count ? first_from(map, 0) : NULL;
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
	return node->next ? node->next : first_from(map, (node->hash & (map->n_buckets - 1)) + 1);
}
