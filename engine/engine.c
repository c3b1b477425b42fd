// SPDX-License-Identifier: BSD-3-Clause
// The engine's start and end: ports, buffers, tables, workers. Main thread.
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "crypto/context.h"
#include "engine/base/log.h"
#include "engine/capture.h"
#include "engine/core.h"
#include "engine/gen.h"
#include "engine/jitter.h"
#include "engine/rcu.h"
#include "engine/spare.h"
#include "engine/verbose.h"
#include "engine/trace.h"

#define SESSIONS_DEFAULT 131072
#define MBUF_CACHE	 256
#define MBUFS_SPARE	 4096

static unsigned count_workers(const struct engine_config *config)
{
	unsigned lcores = rte_lcore_count() - 1;

	if (config->workers > 0)
		return config->workers;
	if (lcores > ENGINE_WORKERS_MAX)
		return ENGINE_WORKERS_MAX;
	return lcores > 0 ? lcores : 1;
}

static const char *device_of(const struct engine_config *config, enum worker_role role)
{
	const char *const devices[] = {config->wire, config->host, config->exception};

	return devices[role];
}

// ---- buffers and ports

static int make_pool(struct engine *engine)
{
	const struct engine_config *config = &engine->config;
	unsigned n = MBUFS_SPARE + engine->shared.n_workers * (WORKER_RING + 2 * MBUF_CACHE);
	char error[PORT_ERROR_MAX];
	uint16_t id;

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		const char *device = device_of(config, role);

		if (!device)
			continue;
		if (port_find(device, &id, error) != 0) {
			log_error("%s", error);
			return -1;
		}
		n += 2 * port_mbufs(id, role == ROLE_EXCEPTION ? 1 : engine->shared.n_workers,
				 config->queues_rx_desc, config->queues_tx_desc);
	}
	if (config->mbufs > 0)
		n = config->mbufs;
	engine->pool = engine->shared.pool = rte_pktmbuf_pool_create(
		"crowfly_mbufs", n, MBUF_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	if (!engine->pool) {
		log_error("no memory for %u packet buffers (%u MiB): more hugepages, -m, or fewer "
			  "by `mbufs`",
			n, n / 1024 * 5 / 2);
		return -1;
	}
	return 0;
}

static int open_port(struct engine *engine, enum worker_role role)
{
	const struct engine_config *config = &engine->config;
	const struct port_params params = {
		.device = device_of(config, role),
		.workers = role == ROLE_EXCEPTION ? 1 : engine->shared.n_workers,
		.rx_desc = config->queues_rx_desc,
		.tx_desc = config->queues_tx_desc,
		.pool = engine->pool,
		.hears_all = true,
	};
	struct port *port = &engine->ports[role];
	char error[PORT_ERROR_MAX];

	if (!params.device)
		return 0;
	if (port_open(port, &params, error) != 0) {
		log_error("%s", error);
		return -1;
	}
	engine->shared.port[role] = port->id;
	engine->shared.rx_queues[role] = port->rx_queues;
	engine->shared.mtu[role] = port->mtu;
	return 0;
}

// The exception interface stands for the wire port in the kernel: same MAC address, same MTU.
static void mirror_wire(struct engine *engine)
{
	struct port *exception = &engine->ports[ROLE_EXCEPTION];
	const struct port *wire = &engine->ports[ROLE_WIRE];

	if (port_set_mac(exception, &wire->mac) != 0)
		log_debug("%s does not take a MAC address", exception->device);
	if (exception->mtu != wire->mtu)
		rte_eth_dev_set_mtu(exception->id, wire->mtu);
}

// The MAC address of the engine itself. Behind net_tap is a kernel interface that has the device's:
// the engine is its neighbour, and takes the one beside it.
static struct rte_ether_addr own_mac(const struct port *port, bool has_exception)
{
	struct rte_ether_addr mac = port->mac;

	if (rte_is_zero_ether_addr(&mac)) // net_ring's
		return (struct rte_ether_addr){
			{RTE_ETHER_LOCAL_ADMIN_ADDR, 0, 0, 0, 0, (uint8_t)port->id}};
	if (port->kernel_behind && !has_exception) {
		mac.addr_bytes[0] |= RTE_ETHER_LOCAL_ADMIN_ADDR;
		mac.addr_bytes[5] ^= 1;
	}
	return mac;
}

static int open_ports(struct engine *engine)
{
	bool has_exception = engine->config.exception != NULL;

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		if (open_port(engine, role) != 0)
			return -1;
	engine->shared.has_exception = has_exception;
	if (has_exception)
		mirror_wire(engine);
	engine->sides[SIDE_WIRE].mac = own_mac(&engine->ports[ROLE_WIRE], has_exception);
	engine->sides[SIDE_HOST].mac = own_mac(&engine->ports[ROLE_HOST], false);
	return 0;
}

// ---- addresses

static int read_addresses(struct engine_side *side, const char *key, const char *const texts[])
{
	for (unsigned i = 0; i < ENGINE_ADDRESSES_MAX && texts[i]; i++) {
		struct address *address = &side->addresses[side->n_addresses];

		if (address_parse(texts[i], address) != 0 || !address_is_unicast(&address->ip)) {
			log_error("%s: %s is not an address like 192.168.50.1/24", key, texts[i]);
			return -1;
		}
		side->n_addresses++;
	}
	return 0;
}

static int read_gateways(struct engine_side *side, const char *const texts[2])
{
	struct address gateway;

	for (unsigned i = 0; i < 2 && texts[i]; i++) {
		if (address_parse(texts[i], &gateway) != 0) {
			log_error("wire-gateway: %s is not an address", texts[i]);
			return -1;
		}
		side->gateways[side->n_gateways++] = gateway.ip;
	}
	return 0;
}

static int read_all_addresses(struct engine *engine)
{
	const struct engine_config *config = &engine->config;

	for (int i = SIDE_WIRE; i <= SIDE_HOST; i++) {
		engine->sides[i].engine = engine;
		engine->sides[i].role = i == SIDE_WIRE ? ROLE_WIRE : ROLE_HOST;
	}
	if (read_addresses(&engine->sides[SIDE_WIRE], "wire-address", config->wire_addresses) !=
			0 ||
		read_addresses(&engine->sides[SIDE_HOST], "host-address", config->host_addresses) !=
			0 ||
		read_gateways(&engine->sides[SIDE_WIRE], config->wire_gateways) != 0)
		return -1;
	if (engine->sides[SIDE_HOST].n_addresses == 0) {
		log_error("host-address is missing: the engine's own address on the host port");
		return -1;
	}
	if (!config->exception && engine->sides[SIDE_WIRE].n_addresses == 0) {
		log_error("without an exception port, wire-address is needed");
		return -1;
	}
	return 0;
}

// ---- tables

static int make_tables(struct engine *engine)
{
	unsigned max = engine->config.sessions_max;

	engine->mem = mem_new();
	engine->retire = retire_new(engine);
	engine->shared.flows[SIDE_WIRE] = flow_table_new();
	engine->shared.flows[SIDE_HOST] = flow_table_new();
	engine->shared.workers =
		aligned_alloc(64, engine->shared.n_workers * sizeof(struct worker));
	if (engine->shared.workers)
		memset(engine->shared.workers, 0, engine->shared.n_workers * sizeof(struct worker));
	engine->observe = engine->shared.workers ? observe_new(&engine->shared) : NULL;
	engine->explain = explain_table_new();
	if (!engine->mem || !engine->retire || !engine->observe || !engine->explain ||
		spare_init(engine->mem, engine->config.ssrc_max) != 0 ||
		!engine->shared.flows[SIDE_WIRE] || !engine->shared.flows[SIDE_HOST] ||
		!engine->shared.workers ||
		session_table_init(&engine->sessions, max ? max : SESSIONS_DEFAULT) != 0) {
		log_error("out of memory for the tables");
		return -1;
	}
	return 0;
}

static int make_workers(struct engine *engine)
{
	int rc = worker_init_all(&engine->shared);

	if (rc != 0) {
		log_error("out of memory for the workers' rings");
		return -1;
	}
	if (control_init(engine) != 0)
		return -1;
	if (engine->config.paused)
		return 0;
	rc = worker_start_all(&engine->shared);
	if (rc != 0)
		log_error("the workers do not start: %s", strerror(-rc));
	return rc;
}

static int init_crypto(const struct engine_config *config)
{
	const char *name = config->crypto ? config->crypto : "ipsec_mb";
	int rc = context_backend_init(name);

	if (rc != 0)
		log_error("crypto back end %s: %s", name,
			strcmp(name, "ipsec_mb") == 0 ? "this CPU cannot run it: use libsrtp2"
						      : strerror(-rc));
	return rc;
}

struct engine *engine_new(const struct engine_config *config, struct event_base *base)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->config = *config;
	engine->base = base;
	engine->shared.n_workers = count_workers(config);
	engine->shared.idle_sleep = config->idle_sleep;
	engine->shared.vlan = (uint16_t)config->vlan;
	engine->shared.tsc_hz = rte_get_tsc_hz();
	fwd_init(engine);
	quality_init(&engine->quality);
	rcu_register_thread();
	rcu_thread_offline(); // but for call_rcu()
	if (init_crypto(config) != 0 || make_pool(engine) != 0 || read_all_addresses(engine) != 0 ||
		make_tables(engine) != 0 || open_ports(engine) != 0 || make_workers(engine) != 0) {
		engine_free(engine);
		return NULL;
	}
	log_notice("%u worker%s, wire %s, host %s, exception %s, crypto %s",
		engine->shared.n_workers, engine->shared.n_workers == 1 ? "" : "s", config->wire,
		config->host, config->exception ? config->exception : "none",
		context_backend_name());
	return engine;
}

static void remove_sessions(struct engine *engine)
{
	uint32_t id;

	while (engine->sessions.buckets && (id = session_next(engine, 0)) != 0)
		session_remove(engine, id);
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	if (engine->shared.workers)
		worker_stop_all(&engine->shared);
	jitter_fini(engine);
	gen_clear(engine);
	remove_sessions(engine);
	retire_free(engine->retire); // nobody reads any more
	capture_free(engine);
	control_fini(engine);
	session_table_fini(&engine->sessions);
	flow_table_free(engine->shared.flows[SIDE_WIRE]);
	flow_table_free(engine->shared.flows[SIDE_HOST]);
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		port_close(&engine->ports[role]);
	if (engine->shared.workers)
		worker_fini_all(&engine->shared);
	observe_free(engine->observe);
	explain_table_free(engine->explain);
	latency_fini(engine);
	trace_fini(engine);
	free(engine->shared.workers);
	verbose_fini(engine);
	rte_mempool_free(engine->pool);
	spare_fini(engine->mem);
	mem_free(engine->mem);
	context_backend_fini();
	rcu_unregister_thread();
	free(engine);
}
