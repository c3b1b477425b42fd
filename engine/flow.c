// SPDX-License-Identifier: BSD-3-Clause
// The flow table: written on the control thread, read by workers a burst at a time.
#include "engine/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_prefetch.h>

#include "engine/rcu.h"
#include "pktio/address.h"

#define PORTS	  65536
#define BURST_CAP 64

// All ports of one local address. Kept until the table ends: 512 KiB of address space, of which
// only the pages of ports in use are ever touched.
struct flow_address {
	struct in6_addr ip;
	unsigned streams; // control thread only
	struct stream *ports[PORTS];
};

struct flow_table {
	unsigned n;
	struct flow_address *addresses[FLOW_ADDRESSES];
};

struct flow_table *flow_table_new(void)
{
	return calloc(1, sizeof(struct flow_table));
}

void flow_table_free(struct flow_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->n; i++)
		munmap(table->addresses[i], sizeof(*table->addresses[i]));
	free(table);
}

static struct flow_address *find_address(
	const struct flow_table *table, const struct in6_addr *local)
{
	unsigned n = __atomic_load_n(&table->n, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++) {
		struct flow_address *address = rcu_dereference(table->addresses[i]);

		if (address_equal(&address->ip, local))
			return address;
	}
	return NULL;
}

static struct flow_address *map_address(const struct in6_addr *local)
{
	struct flow_address *address = mmap(
		NULL, sizeof(*address), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (address == MAP_FAILED)
		return NULL;
	address->ip = *local;
	return address;
}

// Gives the place of an address that has no streams any more to another. It waits for the readers,
// which is rare: FLOW_ADDRESSES others have been in use before.
static int reuse_place(struct flow_table *table, struct flow_address *address)
{
	for (unsigned i = 0; i < table->n; i++) {
		struct flow_address *old = table->addresses[i];

		if (old->streams > 0)
			continue;
		rcu_set_pointer(&table->addresses[i], address);
		synchronize_rcu();
		munmap(old, sizeof(*old));
		return 0;
	}
	munmap(address, sizeof(*address));
	return -ENOSPC;
}

int flow_reserve(struct flow_table *table, const struct in6_addr *local)
{
	struct flow_address *address;

	if (find_address(table, local))
		return 0;
	address = map_address(local);
	if (!address)
		return -ENOMEM;
	if (table->n == FLOW_ADDRESSES)
		return reuse_place(table, address);
	rcu_set_pointer(&table->addresses[table->n], address);
	__atomic_store_n(&table->n, table->n + 1, __ATOMIC_RELEASE);
	return 0;
}

static bool matches(const struct stream *stream, const struct in6_addr *remote, uint16_t port)
{
	return (stream->remote_port == 0 || port == 0 || stream->remote_port == port) &&
	       address_equal(&stream->remote, remote);
}

const struct stream *flow_find(const struct flow_table *table, const struct in6_addr *local,
	uint16_t port, const struct in6_addr *remote, uint16_t remote_port)
{
	const struct flow_address *address = find_address(table, local);
	const struct stream *stream = address ? address->ports[port] : NULL;

	while (stream && !matches(stream, remote, remote_port))
		stream = stream->next;
	return stream;
}

unsigned flow_count(const struct flow_table *table, const struct in6_addr *local, uint16_t port)
{
	const struct flow_address *address = find_address(table, local);
	unsigned n = 0;

	for (const struct stream *s = address ? address->ports[port] : NULL; s; s = s->next)
		n++;
	return n;
}

void flow_add(struct flow_table *table, const struct in6_addr *local, uint16_t port,
	struct stream *stream)
{
	struct flow_address *address = find_address(table, local);

	stream->next = address->ports[port];
	address->streams++;
	rcu_set_pointer(&address->ports[port], stream);
}

// The pointer that leads to a stream.
static struct stream **find_link(
	struct flow_address *address, uint16_t port, const struct stream *stream)
{
	struct stream **link = &address->ports[port];

	while (*link != stream)
		link = &(*link)->next;
	return link;
}

void flow_del(struct flow_table *table, const struct in6_addr *local, uint16_t port,
	struct stream *stream)
{
	struct flow_address *address = find_address(table, local);

	address->streams--;
	rcu_set_pointer(find_link(address, port, stream), stream->next);
}

void flow_replace(struct flow_table *table, const struct in6_addr *local, uint16_t port,
	struct stream *old, struct stream *new)
{
	struct flow_address *address = find_address(table, local);

	new->next = old->next;
	rcu_set_pointer(find_link(address, port, old), new);
}

// ---- workers

static struct stream *const *find_slot(const struct flow_table *table, const struct parse *p)
{
	const struct flow_address *address = find_address(table, &p->dst);

	return address ? &address->ports[rte_be_to_cpu_16(p->dst_port)] : NULL;
}

static uint8_t walk(const struct stream *stream, const struct parse *p, const struct stream **out)
{
	uint16_t port = rte_be_to_cpu_16(p->src_port);

	*out = NULL;
	if (!stream)
		return FLOW_NONE;
	while (stream && !matches(stream, &p->src, port))
		stream = rcu_dereference(stream->next);
	if (!stream)
		return FLOW_WRONG_SOURCE;
	rte_prefetch0(stream->state);
	rte_prefetch0(&stream->state->reception);
	rte_prefetch0(stream->nexthop);
	context_prefetch(stream->context);
	*out = stream;
	return FLOW_FOUND;
}

void flow_lookup_burst(const struct flow_table *table, const struct parse *const packets[],
	const struct stream *streams[], uint8_t results[], unsigned n)
{
	struct stream *const *slots[BURST_CAP];

	for (unsigned i = 0; i < n; i++) {
		slots[i] = find_slot(table, packets[i]);
		if (slots[i])
			rte_prefetch0(slots[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		streams[i] = slots[i] ? rcu_dereference(*slots[i]) : NULL;
		if (streams[i])
			rte_prefetch0(streams[i]);
	}
	for (unsigned i = 0; i < n; i++)
		results[i] = walk(streams[i], packets[i], &streams[i]);
}
