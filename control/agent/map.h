// SPDX-License-Identifier: BSD-3-Clause
// A hash map from strings to the structs they are embedded in; keyed with a secret of the process,
// for keys come from the network. The agent's one thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
	const char *key; // borrowed: it lives in the struct around the node
};

struct map {
	struct map_node **buckets;
	size_t n_buckets; // a power of two, or 0
	size_t count;
};

// A map of all zeros is empty and ready. Frees the buckets alone: the owner has deleted the nodes.
void map_fini(struct map *map);
// 0, -EEXIST or -ENOMEM. `key` must live as long as the node is in the map.
int map_add(struct map *map, struct map_node *node, const char *key);
void map_del(struct map *map, struct map_node *node);
struct map_node *map_find(const struct map *map, const char *key); // NULL if none
struct map_node *map_first(const struct map *map);
struct map_node *map_next(const struct map *map, const struct map_node *node);

#define map_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

// `node` itself may be deleted in the body, no other.
#define MAP_FOREACH(map, node, following)                                                          \
	for ((node) = map_first(map); (node) && ((following) = map_next(map, node), 1);            \
		(node) = (following))
