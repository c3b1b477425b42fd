// SPDX-License-Identifier: BSD-3-Clause
// The engine's totals and ports as the API shows them, read while packets flow; control thread.
#include <stdio.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/core.h"

static void add_worker(struct engine_stats *stats, const struct worker_counters *c)
{
	stats->rx_wire += counter_get(&c->rx[SIDE_WIRE]);
	stats->tx_wire += counter_get(&c->tx[SIDE_WIRE]);
	stats->rx_host += counter_get(&c->rx[SIDE_HOST]);
	stats->tx_host += counter_get(&c->tx[SIDE_HOST]);
	stats->to_kernel += counter_get(&c->to_kernel);
	stats->from_kernel += counter_get(&c->from_kernel);
	stats->punted += counter_get(&c->punted);
	stats->handed_over += counter_get(&c->handed_over);
	stats->fragments += counter_get(&c->fragments);
	stats->protected_packets += counter_get(&c->protected_packets);
	stats->unprotected_packets += counter_get(&c->unprotected_packets);
	stats->iterations += counter_get(&c->iterations);
	stats->busy_iterations += counter_get(&c->busy_iterations);
	stats->sleeps += counter_get(&c->sleeps);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		stats->drops[i] += counter_get(&c->drops[i]);
}

void engine_stats_get(struct engine *engine, struct engine_stats *stats)
{
	static_assert(DROP_COUNT <= sizeof(stats->drops) / sizeof(stats->drops[0]),
		"there is a counter for each reason");

	memset(stats, 0, sizeof(*stats));
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		add_worker(stats, &engine->shared.workers[i].counters);
	stats->sessions = engine->sessions.count;
	stats->draining = engine->drain.draining;
	stats->workers = engine->shared.n_workers;
	for (int i = SIDE_WIRE; i <= SIDE_HOST; i++) {
		unsigned entries, unresolved;

		nexthop_count(engine->sides[i].nexthops, &entries, &unresolved);
		stats->nexthops += entries;
		stats->nexthops_unresolved += unresolved;
	}
	stats->mbufs = engine->pool->size;
	stats->mbufs_free = rte_mempool_avail_count(engine->pool);
	mem_usage(engine->mem, &stats->memory_mapped, &stats->memory_used);
}

bool engine_workers_polled(const struct engine *engine)
{
	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		if (counter_get(&engine->shared.workers[i].counters.iterations) == 0)
			return false;
	}
	return true;
}

bool engine_workers_moved(struct engine *engine)
{
	static struct log_limit limit;
	bool moved = true;

	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		struct worker *w = &engine->shared.workers[i];
		uint64_t iterations = counter_get(&w->counters.iterations);

		if (iterations == w->iterations_seen) {
			moved = false;
			if (iterations > 0) // else it has only just been started
				log_limited(&limit, LOG_ERR, "worker %u does not move", i);
		}
		w->iterations_seen = iterations;
	}
	return moved;
}

static void port_addresses(
	const struct engine *engine, enum worker_role role, struct engine_port *out)
{
	const struct engine_side *side = &engine->sides[role == ROLE_HOST ? SIDE_HOST : SIDE_WIRE];
	struct address addresses[ENGINE_ADDRESSES_MAX];
	unsigned n = 0;

	// With an exception port, the wire port's addresses are the kernel's
	if (side->netlink)
		n = netlink_addresses(side->netlink, addresses, ENGINE_ADDRESSES_MAX);
	if (n > ENGINE_ADDRESSES_MAX)
		n = ENGINE_ADDRESSES_MAX;
	for (unsigned i = 0; i < side->n_addresses && n < ENGINE_ADDRESSES_MAX; i++)
		addresses[n++] = side->addresses[i];
	for (unsigned i = 0; i < n; i++)
		address_text_prefix(&addresses[i], out->addresses[i]);
	out->n_addresses = n;
}

unsigned engine_ports_get(struct engine *engine, struct engine_port ports[3])
{
	unsigned n = 0;

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		const struct port *port = &engine->ports[role];
		struct engine_port *out = &ports[n];
		struct port_stats stats;

		if (!port->device)
			continue;
		port_stats_get(port, &stats);
		memset(out, 0, sizeof(*out));
		out->role = worker_role_names[role];
		out->device = port->device;
		rte_ether_format_addr(out->mac, sizeof(out->mac),
			role == ROLE_HOST ? &engine->sides[SIDE_HOST].mac : &port->mac);
		out->link_up = stats.link_up;
		out->rx_packets = stats.rx_packets;
		out->tx_packets = stats.tx_packets;
		out->rx_missed = stats.rx_missed + stats.rx_nombuf;
		out->rx_errors = stats.rx_errors;
		out->tx_errors = stats.tx_errors;
		out->queues = port->rx_queues;
		port_addresses(engine, role, out);
		n++;
	}
	return n;
}
