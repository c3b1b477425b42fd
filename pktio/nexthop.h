// SPDX-License-Identifier: BSD-3-Clause
// Where frames for an IP address are sent: the MAC address of its next hop. The control thread
// keeps the table; workers read one word of an entry. An entry lives as long as somebody holds it,
// and its last holder lets go only after a grace period.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

struct nexthop {
	// One atomic word, so that it is never half new: the MAC address in the low 48 bits, as in
	// memory; 0: not known. Control writes, workers read.
	uint64_t mac __attribute__((aligned(64)));

	// Control thread only
	struct in6_addr remote, hop; // hop: the gateway, or the remote itself
	bool routed;		     // `hop` is valid
	uint32_t holders;
	uint64_t asked_s;  // when the hop's MAC was last asked for
	uint64_t let_go_s; // when the last holder let go
	struct nexthop *next_remote, *next_hop;
};

struct nexthop_table;

struct nexthop_ops {
	// The next hop towards `remote`. 0, or -ENETUNREACH when there is no route out of this
	// port.
	int (*route)(void *arg, const struct in6_addr *remote, struct in6_addr *hop);
	// Begins to find the MAC of `hop`; nexthop_learn() is called when it is known.
	void (*resolve)(void *arg, const struct in6_addr *hop);
	// A MAC that is known already, without waiting. May be NULL.
	bool (*known)(void *arg, const struct in6_addr *hop, struct rte_ether_addr *mac);
};

struct nexthop_table *nexthop_table_new(const struct nexthop_ops *ops, void *arg);
void nexthop_table_free(struct nexthop_table *table);

// The entry of a remote address, made if need be, held until nexthop_put(). NULL: out of memory.
// Without a route it stays unresolved and is tried again.
struct nexthop *nexthop_get(struct nexthop_table *table, const struct in6_addr *remote);
// When nobody holds it any more, a known one is kept fresh for a minute: the next session with that
// remote needs it at once.
void nexthop_put(struct nexthop_table *table, struct nexthop *nexthop);

// The MAC of a hop has been learned, or changed. Hops that nobody asked for are ignored: returns
// whether one was.
bool nexthop_learn(
	struct nexthop_table *table, const struct in6_addr *hop, const struct rte_ether_addr *mac);

// Routes have changed: asks for all of them again.
void nexthop_routes_changed(struct nexthop_table *table);

// Once a second: asks again for what is unresolved, and every 20 s for what is known, so that the
// neighbour's new MAC is seen. A known MAC stays in use until another is learned.
void nexthop_tick(struct nexthop_table *table, uint64_t now_s);

// How many entries are held, and how many of them have no MAC.
void nexthop_count(const struct nexthop_table *table, unsigned *entries, unsigned *unresolved);

// Worker: false while the next hop is not known.
static inline bool nexthop_mac(const struct nexthop *nexthop, struct rte_ether_addr *mac)
{
	uint64_t word = __atomic_load_n(&nexthop->mac, __ATOMIC_RELAXED);

	__builtin_memcpy(mac, &word, RTE_ETHER_ADDR_LEN);
	return word != 0;
}
