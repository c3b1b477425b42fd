// SPDX-License-Identifier: BSD-3-Clause
// The control thread's timers, and what a kernel does elsewhere: ARP, neighbour discovery, next
// hops. Control thread.
#include "engine/core.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <rte_mbuf.h>

#include "engine/base/log.h"
#include "engine/jitter.h"
#include "engine/capture.h"
#include "engine/gen.h"
#include "engine/spare.h"
#include "engine/verbose.h"
#include "engine/trace.h"

#define TICK_US	   (1000000 / CONTROL_TICKS_A_SECOND)
#define SCAN_TICKS 10	// session events are looked for every 100 ms
#define SCAN_MAX   5000 // sessions at a time
#define INPUT_MAX  256	// slow-path frames a tick

// ---- next hops where the kernel decides

static int kernel_route(void *arg, const struct in6_addr *remote, struct in6_addr *hop)
{
	struct engine_side *side = arg;

	return netlink_route(side->netlink, remote, hop);
}

static void kernel_resolve(void *arg, const struct in6_addr *hop)
{
	struct engine_side *side = arg;
	int rc = netlink_neighbour_use(side->netlink, hop);
	static struct log_limit limit;

	if (rc != 0)
		log_limited(&limit, LOG_WARNING,
			"the kernel does not resolve a neighbour on the exception interface: %s",
			strerror(-rc));
}

static bool kernel_known(void *arg, const struct in6_addr *hop, struct rte_ether_addr *mac)
{
	struct engine_side *side = arg;

	return netlink_neighbour(side->netlink, hop, mac);
}

static const struct nexthop_ops kernel_ops = {kernel_route, kernel_resolve, kernel_known};

static void on_kernel_neighbour(
	void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac)
{
	struct engine_side *side = arg;

	nexthop_learn(side->nexthops, ip, mac);
}

static void on_kernel_routes(void *arg)
{
	struct engine_side *side = arg;

	side->routes_changed = true; // a tick may see many changes, and asks once
}

static const struct netlink_ops netlink_ops = {on_kernel_neighbour, on_kernel_routes};

static void on_netlink(evutil_socket_t fd, short what, void *arg)
{
	struct engine_side *side = arg;

	(void)fd;
	(void)what;
	netlink_read(side->netlink);
}

// ---- next hops where the engine itself asks

static bool is_on_link(const struct engine_side *side, const struct in6_addr *remote)
{
	for (unsigned i = 0; i < side->n_addresses; i++)
		if (address_on_link(&side->addresses[i], remote))
			return true;
	return false;
}

static int own_route(void *arg, const struct in6_addr *remote, struct in6_addr *hop)
{
	const struct engine_side *side = arg;

	*hop = *remote;
	if (is_on_link(side, remote))
		return 0;
	for (unsigned i = 0; i < side->n_gateways; i++) {
		*hop = side->gateways[i];
		if (address_is_ipv4(hop) == address_is_ipv4(remote))
			return 0;
	}
	return -ENETUNREACH;
}

static void own_resolve(void *arg, const struct in6_addr *hop)
{
	struct engine_side *side = arg;

	neigh_request(&side->neigh, hop);
}

static const struct nexthop_ops own_ops = {own_route, own_resolve, NULL};

static void neigh_send(void *arg, const uint8_t *frame, uint32_t length)
{
	struct engine_side *side = arg;
	struct engine *engine = side->engine;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(engine->pool);
	char *data = mbuf ? rte_pktmbuf_append(mbuf, (uint16_t)length) : NULL;

	if (!data) {
		rte_pktmbuf_free(mbuf);
		return;
	}
	memcpy(data, frame, length);
	mbuf->port = engine->shared.port[side->role];
	if (rte_ring_enqueue(engine->shared.from_control, mbuf) != 0)
		rte_pktmbuf_free(mbuf);
}

static void neigh_learn(void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac)
{
	struct engine_side *side = arg;

	nexthop_learn(side->nexthops, ip, mac);
}

static void read_slow_path(struct engine *engine)
{
	void *object;

	for (unsigned i = 0; i < INPUT_MAX; i++) {
		struct rte_mbuf *mbuf;
		struct engine_side *side;

		if (rte_ring_dequeue(engine->shared.to_control, &object) != 0)
			break;
		mbuf = object;
		side = &engine->sides[mbuf->port == engine->shared.port[ROLE_WIRE] ? SIDE_WIRE
										   : SIDE_HOST];
		neigh_input(&side->neigh, rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len);
		rte_pktmbuf_free(mbuf);
	}
}

// ---- addresses

bool control_owns(const struct engine_side *side, const struct in6_addr *ip)
{
	if (side->netlink && netlink_has_address(side->netlink, ip))
		return true;
	for (unsigned i = 0; i < side->n_addresses; i++)
		if (address_equal(&side->addresses[i].ip, ip))
			return true;
	return false;
}

bool control_reaches(const struct engine_side *side, const struct in6_addr *remote)
{
	struct in6_addr hop;

	// The kernel's routes come and go
	return side->netlink || own_route((void *)side, remote, &hop) == 0;
}

// ---- timers

void control_tick(struct engine *engine)
{
	engine->ticks++;
	read_slow_path(engine);
	explain_tick(engine);
	retire_tick(engine->retire);
	spare_tick(engine->mem);
	gen_tick(engine);
	drain_tick(engine);
	jitter_tick(engine);
	trace_tick(engine);
	capture_tick(engine);
	if (engine->ticks % SCAN_TICKS != 0)
		return;
	session_scan(engine, SCAN_MAX);
	verbose_tick(engine);
	for (int i = SIDE_WIRE; i <= SIDE_HOST; i++) {
		struct engine_side *side = &engine->sides[i];

		if (side->routes_changed) {
			side->routes_changed = false;
			nexthop_routes_changed(side->nexthops);
		}
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	control_tick(arg);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	struct engine *engine = arg;

	(void)fd;
	(void)what;
	engine->seconds++;
	observe_sample(engine->observe);
	health_second(engine);
	fwd_second(engine);
	for (int i = SIDE_WIRE; i <= SIDE_HOST; i++) {
		if (engine->sides[i].netlink)
			netlink_read(engine->sides[i].netlink);
		nexthop_tick(engine->sides[i].nexthops, engine->seconds);
	}
}

// ---- life

// The kernel's interface of the exception port; 0: the reason is logged.
static unsigned exception_if_index(const struct engine *engine)
{
	const struct port *port = &engine->ports[ROLE_EXCEPTION];
	const char *name = engine->config.exception_interface;
	char own[IF_NAMESIZE];
	unsigned if_index;

	if (!name && port->if_index == 0)
		log_error("%s: its driver does not tell its kernel interface: give "
			  "exception-interface",
			port->device);
	if (!name)
		return port->if_index;
	if_index = if_nametoindex(name);
	if (if_index == 0 && if_indextoname(port->if_index, own))
		log_error("exception-interface: the kernel has no interface %s (that of %s is %s)",
			name, port->device, own);
	else if (if_index == 0)
		log_error("exception-interface: the kernel has no interface %s (expected that of "
			  "%s)",
			name, port->device);
	return if_index;
}

static int init_netlink(struct engine *engine, struct engine_side *side)
{
	const struct port *port = &engine->ports[ROLE_EXCEPTION];
	unsigned if_index = exception_if_index(engine);

	if (if_index == 0)
		return -1;
	side->netlink = netlink_new(if_index, &netlink_ops, side);
	if (!side->netlink) {
		log_error("netlink: %s", strerror(errno));
		return -1;
	}
	// The kernel must answer ARP with the wire port's MAC address
	if (netlink_set_mac(side->netlink, &side->mac) != 0)
		log_debug("%s keeps the MAC address its driver gave it", port->device);
	engine->netlink_event = event_new(
		engine->base, netlink_fd(side->netlink), EV_READ | EV_PERSIST, on_netlink, side);
	return engine->netlink_event && event_add(engine->netlink_event, NULL) == 0 ? 0 : -1;
}

static int init_side(struct engine *engine, enum packet_side which)
{
	struct engine_side *side = &engine->sides[which];
	bool kernel = which == SIDE_WIRE && engine->shared.has_exception;
	uint16_t vlan = which == SIDE_WIRE ? engine->shared.vlan : 0;

	side->nexthops = nexthop_table_new(kernel ? &kernel_ops : &own_ops, side, &side->mac, vlan);
	if (!side->nexthops)
		return -1;
	if (kernel)
		return init_netlink(engine, side);
	neigh_init(&side->neigh, &side->mac, vlan, side->addresses, side->n_addresses);
	side->neigh.send = neigh_send;
	side->neigh.learn = neigh_learn;
	side->neigh.arg = side;
	return 0;
}

int control_init(struct engine *engine)
{
	const struct timeval tick = {.tv_usec = TICK_US}, second = {.tv_sec = 1};

	if (init_side(engine, SIDE_WIRE) != 0 || init_side(engine, SIDE_HOST) != 0)
		return -1;
	health_init(engine);
	engine->tick = event_new(engine->base, -1, EV_PERSIST, on_tick, engine);
	engine->second = event_new(engine->base, -1, EV_PERSIST, on_second, engine);
	if (!engine->tick || !engine->second || event_add(engine->tick, &tick) != 0 ||
		event_add(engine->second, &second) != 0) {
		log_error("the control thread's timers: out of memory");
		return -1;
	}
	return 0;
}

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

void control_fini(struct engine *engine)
{
	free_event(&engine->second);
	free_event(&engine->tick);
	free_event(&engine->netlink_event);
	for (int i = SIDE_WIRE; i <= SIDE_HOST; i++) {
		netlink_free(engine->sides[i].netlink);
		nexthop_table_free(engine->sides[i].nexthops);
	}
}
