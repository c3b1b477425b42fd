// SPDX-License-Identifier: BSD-3-Clause
// What stands before packets from one own address to a remote one: the headers, with the MAC
// address of the next hop. The control thread keeps the table; workers read one cache line of an
// entry. An entry lives as long as somebody holds it, and its last holder lets go only after a
// grace period.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "pktio/template.h"

struct nexthop {
	// Control writes the MAC address, workers read
	struct template headers;

	struct in6_addr local, remote; // never change

	// Control thread only
	struct in6_addr hop; // the gateway, or the remote itself
	bool routed;	     // `hop` is valid
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

// `mac` and `vlan` (0: untagged) are the port's.
struct nexthop_table *nexthop_table_new(
	const struct nexthop_ops *ops, void *arg, const struct rte_ether_addr *mac, uint16_t vlan);
void nexthop_table_free(struct nexthop_table *table);

// The entry of a pair of addresses, both IPv4 mapped or both IPv6, made if need be, held until
// nexthop_put(). NULL: out of memory. Without a route it stays unresolved and is tried again.
struct nexthop *nexthop_get(
	struct nexthop_table *table, const struct in6_addr *local, const struct in6_addr *remote);
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

// Calls `show` for the entries of whole buckets, from *bucket (0: the first) on, until `most` of
// them have been shown. *bucket is where to go on, or 0 at the end. `mac`: NULL if it is not known.
void nexthop_list(const struct nexthop_table *table, unsigned *bucket, unsigned most,
	void (*show)(void *arg, const struct nexthop *nexthop, const struct rte_ether_addr *mac),
	void *arg);
