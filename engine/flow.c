// SPDX-License-Identifier: BSD-3-Clause
// The flow table: written on the control thread, read by workers a burst at a time.
#include "engine/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "engine/rcu.h"
#include "pktio/address.h"

#define PORTS	  65536
#define BURST_CAP 64
#define HINTS	  64
#define HUGE_PAGE (2ul << 20)

// One local address with the first stream on each of its ports.
struct flow_address {
	struct in6_addr ip;
	unsigned streams; // control thread only
	struct stream **ports;
};

struct flow_table {
	unsigned n;
	uint8_t hints[HINTS]; // where to look first, by hint_of()
	struct flow_address *addresses[FLOW_ADDRESSES];
	// The ports of all places, 512 KiB each: on huge pages, so that a look-up seldom waits for
	// the page tables, and only what is used is ever touched
	struct stream *(*ports)[PORTS];
};

static void *map_ports(void)
{
	const size_t size = FLOW_ADDRESSES * PORTS * sizeof(struct stream *);
	uint8_t *raw = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *start;

	if (raw == MAP_FAILED)
		return NULL;
	start = (uint8_t *)(((uintptr_t)raw + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (start > raw)
		munmap(raw, (size_t)(start - raw));
	munmap(start + size, (size_t)(raw + HUGE_PAGE - start));
	madvise(start, size, MADV_HUGEPAGE);
	return start;
}

struct flow_table *flow_table_new(void)
{
	struct flow_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->ports = map_ports();
	if (table->ports)
		return table;
	free(table);
	return NULL;
}

void flow_table_free(struct flow_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->n; i++)
		free(table->addresses[i]);
	munmap(table->ports, FLOW_ADDRESSES * sizeof(table->ports[0]));
	free(table);
}

// Addresses of one machine mostly differ in their last bytes.
static inline unsigned hint_of(const struct in6_addr *ip)
{
	return (ip->s6_addr[15] ^ ip->s6_addr[14] ^ ip->s6_addr[13]) % HINTS;
}

static inline struct flow_address *find_address(
	const struct flow_table *table, const struct in6_addr *local)
{
	unsigned hint = __atomic_load_n(&table->hints[hint_of(local)], __ATOMIC_RELAXED);
	struct flow_address *address = rcu_dereference(table->addresses[hint]);
	unsigned n;

	if (likely(address && address_equal(&address->ip, local)))
		return address;
	n = __atomic_load_n(&table->n, __ATOMIC_ACQUIRE);
	for (unsigned i = 0; i < n; i++) {
		address = rcu_dereference(table->addresses[i]);
		if (address_equal(&address->ip, local))
			return address;
	}
	return NULL;
}

// A place whose address has no streams any more, and so no port in use; or the next free one.
static unsigned find_place(const struct flow_table *table)
{
	unsigned place = 0;

	if (table->n < FLOW_ADDRESSES)
		return table->n;
	while (place < FLOW_ADDRESSES && table->addresses[place]->streams > 0)
		place++;
	return place;
}

// When it takes an old place it waits for the readers, which is rare: FLOW_ADDRESSES others have
// been in use before.
int flow_reserve(struct flow_table *table, const struct in6_addr *local)
{
	struct flow_address *address, *old;
	unsigned place;

	if (find_address(table, local))
		return 0;
	place = find_place(table);
	if (place == FLOW_ADDRESSES)
		return -ENOSPC;
	address = calloc(1, sizeof(*address));
	if (!address)
		return -ENOMEM;
	address->ip = *local;
	address->ports = table->ports[place];
	old = table->addresses[place];
	rcu_set_pointer(&table->addresses[place], address);
	__atomic_store_n(&table->hints[hint_of(local)], (uint8_t)place, __ATOMIC_RELAXED);
	if (place == table->n)
		__atomic_store_n(&table->n, place + 1, __ATOMIC_RELEASE);
	if (old)
		synchronize_rcu();
	free(old);
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
	rte_prefetch0(&stream->state->owner);
	rte_prefetch0(stream->nexthop);
	context_prefetch(stream->context);
	*out = stream;
	return FLOW_FOUND;
}

// A stream, and what lies beside one that is at home (struct stream_home): the line of its state
// that each packet writes, and the first of its context. All three come at once, not one after the
// other.
static void prefetch_home(const struct stream *stream)
{
	rte_prefetch0(stream);
	rte_prefetch0((const uint8_t *)stream - 64);
	rte_prefetch0((const uint8_t *)stream + 64);
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
			prefetch_home(streams[i]);
	}
	for (unsigned i = 0; i < n; i++)
		results[i] = walk(streams[i], packets[i], &streams[i]);
}
