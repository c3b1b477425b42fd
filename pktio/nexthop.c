// SPDX-License-Identifier: BSD-3-Clause
// The table of next hops: by remote address, and by hop for what the neighbours tell. Control
// thread.
#include "pktio/nexthop.h"

#include <stdlib.h>
#include <string.h>

#include "pktio/address.h"

#define BUCKETS	  4096u
#define REFRESH_S 20
#define KEEP_S	  60
#define KEEP_MAX  1024

struct nexthop_table {
	const struct nexthop_ops *ops;
	void *arg;
	struct rte_ether_addr mac; // of the port
	uint16_t vlan;
	uint64_t now_s;
	unsigned held, kept; // entries with and without holders
	struct nexthop *by_remote[BUCKETS];
	struct nexthop *by_hop[BUCKETS];
};

static unsigned bucket(const struct in6_addr *ip)
{
	return address_hash(ip) % BUCKETS;
}

struct nexthop_table *nexthop_table_new(
	const struct nexthop_ops *ops, void *arg, const struct rte_ether_addr *mac, uint16_t vlan)
{
	struct nexthop_table *table = calloc(1, sizeof(*table));

	if (table) {
		table->ops = ops;
		table->arg = arg;
		table->mac = *mac;
		table->vlan = vlan;
	}
	return table;
}

void nexthop_table_free(struct nexthop_table *table)
{
	if (!table)
		return;
	for (unsigned b = 0; b < BUCKETS; b++) {
		while (table->by_remote[b]) {
			struct nexthop *first = table->by_remote[b];

			table->by_remote[b] = first->next_remote;
			free(first);
		}
	}
	free(table);
}

static void unlink_hop(struct nexthop_table *table, struct nexthop *nexthop)
{
	struct nexthop **p = &table->by_hop[bucket(&nexthop->hop)];

	while (*p != nexthop)
		p = &(*p)->next_hop;
	*p = nexthop->next_hop;
	nexthop->routed = false;
}

static void link_hop(
	struct nexthop_table *table, struct nexthop *nexthop, const struct in6_addr *hop)
{
	struct nexthop **head = &table->by_hop[bucket(hop)];

	nexthop->hop = *hop;
	nexthop->next_hop = *head;
	*head = nexthop;
	nexthop->routed = true;
}

static void ask_mac(struct nexthop_table *table, struct nexthop *nexthop)
{
	struct rte_ether_addr mac;

	nexthop->asked_s = table->now_s;
	if (table->ops->known && table->ops->known(table->arg, &nexthop->hop, &mac))
		template_set_mac(&nexthop->headers, &mac);
	// Also when it is known: the answer keeps the neighbour entry fresh
	table->ops->resolve(table->arg, &nexthop->hop);
}

// Asks for the route, and for the MAC if the hop is another one.
static void ask_route(struct nexthop_table *table, struct nexthop *nexthop)
{
	struct in6_addr hop;

	nexthop->asked_s = table->now_s;
	if (table->ops->route(table->arg, &nexthop->remote, &hop) != 0) {
		if (nexthop->routed)
			unlink_hop(table, nexthop);
		template_set_mac(&nexthop->headers, NULL);
		return;
	}
	if (nexthop->routed && address_equal(&nexthop->hop, &hop))
		return;
	if (nexthop->routed) {
		unlink_hop(table, nexthop);
		template_set_mac(&nexthop->headers, NULL);
	}
	link_hop(table, nexthop, &hop);
	ask_mac(table, nexthop);
}

static struct nexthop *new_entry(
	struct nexthop_table *table, const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct template_params params = {
		.src_mac = table->mac, .vlan = table->vlan, .src = *local, .dst = *remote};
	struct nexthop **head = &table->by_remote[bucket(remote)];
	struct nexthop *nexthop = aligned_alloc(64, sizeof(*nexthop));

	if (!nexthop)
		return NULL;
	memset(nexthop, 0, sizeof(*nexthop));
	if (template_init(&nexthop->headers, &params) != 0) {
		free(nexthop);
		return NULL;
	}
	nexthop->local = *local;
	nexthop->remote = *remote;
	nexthop->holders = 1;
	nexthop->next_remote = *head;
	*head = nexthop;
	table->held++;
	return nexthop;
}

struct nexthop *nexthop_get(
	struct nexthop_table *table, const struct in6_addr *local, const struct in6_addr *remote)
{
	struct nexthop *nexthop = table->by_remote[bucket(remote)];

	while (nexthop &&
		!(address_equal(&nexthop->remote, remote) && address_equal(&nexthop->local, local)))
		nexthop = nexthop->next_remote;
	if (!nexthop) {
		nexthop = new_entry(table, local, remote);
		if (nexthop)
			ask_route(table, nexthop);
	} else if (nexthop->holders++ == 0) {
		table->kept--;
		table->held++;
	}
	return nexthop;
}

static void free_entry(struct nexthop_table *table, struct nexthop *nexthop)
{
	struct nexthop **p = &table->by_remote[bucket(&nexthop->remote)];

	while (*p != nexthop)
		p = &(*p)->next_remote;
	*p = nexthop->next_remote;
	if (nexthop->routed)
		unlink_hop(table, nexthop);
	free(nexthop);
}

void nexthop_put(struct nexthop_table *table, struct nexthop *nexthop)
{
	if (!nexthop || --nexthop->holders > 0)
		return;
	table->held--;
	if (!template_ready(&nexthop->headers) || table->kept >= KEEP_MAX) {
		free_entry(table, nexthop);
		return;
	}
	nexthop->let_go_s = table->now_s;
	table->kept++;
}

bool nexthop_learn(
	struct nexthop_table *table, const struct in6_addr *hop, const struct rte_ether_addr *mac)
{
	struct nexthop *nexthop = table->by_hop[bucket(hop)];
	bool found = false;

	if (!rte_is_valid_assigned_ether_addr(mac))
		return false;
	for (; nexthop; nexthop = nexthop->next_hop) {
		if (address_equal(&nexthop->hop, hop)) {
			template_set_mac(&nexthop->headers, mac);
			found = true;
		}
	}
	return found;
}

void nexthop_routes_changed(struct nexthop_table *table)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct nexthop *n = table->by_remote[b]; n; n = n->next_remote)
			ask_route(table, n);
}

static void tick_one(struct nexthop_table *table, struct nexthop *n)
{
	uint64_t period = template_ready(&n->headers) ? REFRESH_S : 1;

	if (n->holders == 0 && table->now_s >= n->let_go_s + KEEP_S) {
		table->kept--;
		free_entry(table, n);
	} else if (table->now_s >= n->asked_s + period) {
		if (n->routed)
			ask_mac(table, n);
		else
			ask_route(table, n);
	}
}

void nexthop_tick(struct nexthop_table *table, uint64_t now_s)
{
	table->now_s = now_s;
	for (unsigned b = 0; b < BUCKETS; b++) {
		struct nexthop *next;

		for (struct nexthop *n = table->by_remote[b]; n; n = next) {
			next = n->next_remote;
			tick_one(table, n);
		}
	}
}

void nexthop_count(const struct nexthop_table *table, unsigned *entries, unsigned *unresolved)
{
	*entries = table->held;
	*unresolved = 0;
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct nexthop *n = table->by_remote[b]; n; n = n->next_remote)
			*unresolved += n->holders > 0 && !template_ready(&n->headers);
}

void nexthop_list(const struct nexthop_table *table, unsigned *bucket_at, unsigned most,
	void (*show)(void *arg, const struct nexthop *nexthop, const struct rte_ether_addr *mac),
	void *arg)
{
	unsigned b = *bucket_at, shown = 0;

	for (; b < BUCKETS && shown < most; b++) {
		for (struct nexthop *n = table->by_remote[b]; n; n = n->next_remote, shown++) {
			struct rte_ether_addr mac;

			memcpy(&mac, n->headers.bytes, sizeof(mac));
			show(arg, n, template_ready(&n->headers) ? &mac : NULL);
		}
	}
	*bucket_at = b < BUCKETS ? b : 0;
}
