// SPDX-License-Identifier: BSD-3-Clause
// The flow table: look-ups, chains, replacing, and a reader under QSBR while a writer changes all.
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/flow.h"
#include "engine/rcu.h"
#include "engine/retire.h"
#include "pktio/address.h"

static struct in6_addr ip(const char *text)
{
	struct address a;

	cr_assert_eq(address_parse(text, &a), 0);
	return a.ip;
}

// A stream with something at every pointer that the look-up prefetches; the caller frees it.
static struct stream *make_own(const char *remote, uint16_t port)
{
	static struct stream_state state;
	static struct nexthop nexthop;
	static struct context *context;
	static const uint8_t key[46];
	const struct context_params params = {.key = key, .salt = key};
	struct stream *stream = aligned_alloc(64, sizeof(*stream));

	if (!context) {
		context_backend_init("ipsec_mb");
		context = context_new(&params);
	}
	memset(stream, 0, sizeof(*stream));
	stream->remote = ip(remote);
	stream->remote_port = port;
	stream->state = &state;
	stream->nexthop = &nexthop;
	stream->context = context;
	return stream;
}

static struct stream *made[64];
static unsigned n_made;

// The same, freed when the test ends.
static struct stream *make(const char *remote, uint16_t port)
{
	cr_assert_lt(n_made, sizeof(made) / sizeof(made[0]));
	return made[n_made++] = make_own(remote, port);
}

static void free_made(void)
{
	while (n_made > 0)
		free(made[--n_made]);
}

TestSuite(flow, .fini = free_made);

static enum flow_result lookup(struct flow_table *table, const char *local, uint16_t port,
	const char *remote, uint16_t remote_port, const struct stream **stream)
{
	struct parse p = {.src = ip(remote),
		.dst = ip(local),
		.src_port = rte_cpu_to_be_16(remote_port),
		.dst_port = rte_cpu_to_be_16(port)};
	const struct parse *packets[] = {&p};
	uint8_t result;

	flow_lookup_burst(table, packets, stream, &result, 1);
	return result;
}

Test(flow, finds_by_all_four)
{
	struct flow_table *table = flow_table_new();
	struct in6_addr local = ip("10.0.0.1");
	struct stream *a = make("10.0.0.2", 20002), *b = make("10.0.0.3", 20002),
		      *c = make("10.0.0.2", 20003);
	const struct stream *found;

	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20002, &found), FLOW_NONE);
	cr_assert_eq(flow_reserve(table, &local), 0);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20002, &found), FLOW_NONE);
	flow_add(table, &local, 5, a);
	flow_add(table, &local, 5, b);
	flow_add(table, &local, 5, c);
	cr_assert_eq(flow_count(table, &local, 5), 3);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20002, &found), FLOW_FOUND);
	cr_assert_eq(found, a);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.3", 20002, &found), FLOW_FOUND);
	cr_assert_eq(found, b);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20003, &found), FLOW_FOUND);
	cr_assert_eq(found, c);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20004, &found), FLOW_WRONG_SOURCE);
	cr_assert_null(found);
	cr_assert_eq(lookup(table, "10.0.0.1", 6, "10.0.0.2", 20002, &found), FLOW_NONE);
	cr_assert_eq(lookup(table, "10.0.0.9", 5, "10.0.0.2", 20002, &found), FLOW_NONE);
	flow_del(table, &local, 5, b); // from the middle
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.3", 20002, &found), FLOW_WRONG_SOURCE);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20002, &found), FLOW_FOUND);
	flow_del(table, &local, 5, c);
	flow_del(table, &local, 5, a);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 20002, &found), FLOW_NONE);
	flow_table_free(table);
}

Test(flow, any_remote_port_and_both_versions)
{
	struct flow_table *table = flow_table_new();
	struct in6_addr ipv4 = ip("192.168.50.1"), ipv6 = ip("fd50::1");
	struct stream *a = make("192.168.50.2", 0), *b = make("fd50::2", 0);
	const struct stream *found;

	flow_reserve(table, &ipv4);
	flow_reserve(table, &ipv6);
	flow_add(table, &ipv4, 65535, a);
	flow_add(table, &ipv6, 65535, b);
	flow_add(table, &ipv6, 0, b);
	cr_assert_eq(lookup(table, "192.168.50.1", 65535, "192.168.50.2", 1, &found), FLOW_FOUND);
	cr_assert_eq(found, a);
	cr_assert_eq(lookup(table, "fd50::1", 65535, "fd50::2", 65535, &found), FLOW_FOUND);
	cr_assert_eq(found, b);
	cr_assert_eq(lookup(table, "fd50::1", 0, "fd50::2", 65535, &found), FLOW_FOUND);
	cr_assert_eq(lookup(table, "fd50::1", 65535, "192.168.50.2", 1, &found), FLOW_WRONG_SOURCE);
	cr_assert_eq(flow_find(table, &ipv4, 65535, &a->remote, 77), a);
	flow_table_free(table);
}

Test(flow, replaces_in_the_chain)
{
	struct flow_table *table = flow_table_new();
	struct in6_addr local = ip("10.0.0.1");
	struct stream *a = make("10.0.0.2", 1), *b = make("10.0.0.2", 2), *c = make("10.0.0.2", 3),
		      *new = make("10.0.0.9", 9);
	const struct stream *found;

	flow_reserve(table, &local);
	flow_add(table, &local, 5, a);
	flow_add(table, &local, 5, b);
	flow_add(table, &local, 5, c);
	flow_replace(table, &local, 5, b, new);
	cr_assert_eq(flow_count(table, &local, 5), 3);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 2, &found), FLOW_WRONG_SOURCE);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.9", 9, &found), FLOW_FOUND);
	cr_assert_eq(found, new);
	cr_assert_eq(lookup(table, "10.0.0.1", 5, "10.0.0.2", 1, &found), FLOW_FOUND);
	flow_table_free(table);
}

Test(flow, addresses_come_and_go)
{
	struct flow_table *table = flow_table_new();
	struct in6_addr keep = ip("10.9.9.9"), local;
	struct stream *kept = make("10.0.0.2", 1), *stream = make("10.0.0.2", 1);
	const struct stream *found;
	char text[32];

	flow_reserve(table, &keep);
	flow_add(table, &keep, 5, kept);
	for (unsigned i = 1; i < 100; i++) { // more than there are places, one after the other
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		local = ip(text);
		cr_assert_eq(flow_reserve(table, &local), 0, "%u", i);
		flow_add(table, &local, 5, stream);
		cr_assert_eq(lookup(table, text, 5, "10.0.0.2", 1, &found), FLOW_FOUND);
		flow_del(table, &local, 5, stream);
		cr_assert_eq(lookup(table, "10.9.9.9", 5, "10.0.0.2", 1, &found), FLOW_FOUND);
		cr_assert_eq(found, kept);
	}
	for (unsigned i = 1; i < FLOW_ADDRESSES; i++) { // all at once, and no more
		snprintf(text, sizeof(text), "10.1.0.%u", i);
		local = ip(text);
		cr_assert_eq(flow_reserve(table, &local), 0);
		flow_add(table, &local, 5, make("10.0.0.2", 1));
	}
	local = ip("10.2.0.1");
	cr_assert_eq(flow_reserve(table, &local), -ENOSPC);
	flow_table_free(table);
}

// ---- a reader that never stops, while streams are added, replaced, removed, poisoned and freed

#define PORTS 8

static struct {
	struct flow_table *table;
	int stop;
	uint64_t found, wrong;
} shared;

static void *reader(void *arg)
{
	struct parse packets[PORTS];
	const struct parse *pointers[PORTS];
	const struct stream *streams[PORTS];
	uint8_t results[PORTS];

	(void)arg;
	for (unsigned i = 0; i < PORTS; i++) {
		packets[i] = (struct parse){.src = ip("10.0.0.2"),
			.dst = ip("10.0.0.1"),
			.src_port = RTE_BE16(7),
			.dst_port = rte_cpu_to_be_16((uint16_t)i)};
		pointers[i] = &packets[i];
	}
	rcu_register_thread();
	while (!__atomic_load_n(&shared.stop, __ATOMIC_RELAXED)) {
		flow_lookup_burst(shared.table, pointers, streams, results, PORTS);
		for (unsigned i = 0; i < PORTS; i++) {
			if (!streams[i])
				continue;
			shared.found++;
			shared.wrong += streams[i]->session != 42 || streams[i]->remote_port != 7;
		}
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

static void poison(void *arg, void *object)
{
	unsigned *freed = arg;

	memset(object, 0xdd, sizeof(struct stream));
	free(object);
	(*freed)++;
}

static void change(struct retire *r, struct stream *streams[PORTS], unsigned port)
{
	struct in6_addr local = ip("10.0.0.1");
	struct stream *new = make_own("10.0.0.2", 7);

	new->session = 42;
	if (!streams[port]) {
		flow_add(shared.table, &local, (uint16_t)port, new);
	} else if (rand() % 2) {
		flow_replace(shared.table, &local, (uint16_t)port, streams[port], new);
		retire(r, poison, streams[port]);
	} else {
		flow_del(shared.table, &local, (uint16_t)port, streams[port]);
		retire(r, poison, streams[port]);
		free(new);
		new = NULL;
	}
	streams[port] = new;
}

Test(flow, readers_never_see_a_freed_stream)
{
	struct stream *streams[PORTS] = {0};
	struct in6_addr local = ip("10.0.0.1");
	unsigned freed = 0, changes = 40000;
	struct retire *r = retire_new(&freed);
	pthread_t thread;

	rcu_register_thread();
	rcu_thread_offline();
	shared.table = flow_table_new();
	flow_reserve(shared.table, &local);
	pthread_create(&thread, NULL, reader, NULL);
	srand(3);
	for (unsigned i = 0; i < changes; i++) {
		change(r, streams, (unsigned)rand() % PORTS);
		if (i % 16 == 0)
			retire_tick(r);
	}
	for (unsigned i = 0; i < 1000 && retire_pending(r) > 0; i++) {
		retire_tick(r);
		usleep(1000);
	}
	cr_assert_eq(retire_pending(r), 0, "all grace periods end while the reader runs");
	__atomic_store_n(&shared.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_assert_gt(freed, changes / 4);
	cr_assert_gt(shared.found, 1000);
	cr_assert_eq(shared.wrong, 0);
	for (unsigned i = 0; i < PORTS; i++)
		free(streams[i]);
	retire_free(r);
	flow_table_free(shared.table);
	rcu_unregister_thread();
}
