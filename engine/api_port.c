// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for ports: what they are, what they counted, stop and start while workers poll.
// Control thread.
#include "engine/api_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/base/log.h"
#include "engine/core.h"
#include "engine/rcu.h"
#include "engine/worker_port.h"

// ---- which port

static unsigned all_ports(const struct engine *engine)
{
	unsigned roles = 0;

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		roles |= engine->ports[role].device ? 1u << role : 0;
	return roles;
}

static unsigned fail_port(struct engine *engine, struct rpc_call *call)
{
	char valid[128] = "";
	size_t n = 0;

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		if (engine->ports[role].device)
			n += (size_t)snprintf(valid + n, sizeof(valid) - n, "%u or %s, ",
				engine->ports[role].id, worker_role_names[role]);
	}
	rpc_fail(call, RPC_INVALID_PARAMS, "port",
		"port: expected the number or the role of a port (%sall)", valid);
	return 0;
}

unsigned api_port_read(struct engine *engine, struct rpc_call *call, json_t *params, bool required)
{
	const json_t *value = json_object_get(params, "port");
	const char *name = json_string_value(value);

	if (name ? strcmp(name, "all") == 0 : !value && !required)
		return all_ports(engine);
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		const struct port *port = &engine->ports[role];

		if (!port->device)
			continue;
		if (name ? strcmp(name, worker_role_names[role]) == 0
			 : json_is_integer(value) && json_integer_value(value) == port->id)
			return 1u << role;
	}
	return fail_port(engine, call);
}

static unsigned read_ports(
	struct engine *engine, struct rpc_call *call, json_t *params, bool required)
{
	static const char *const known[] = {"port", NULL};

	return rpc_known(call, params, known) == 0 ? api_port_read(engine, call, params, required)
						   : 0;
}

// One object for each of the ports, in {"ports": [...]}.
static json_t *list(struct engine *engine, unsigned roles,
	json_t *(*show)(struct engine *engine, enum worker_role role))
{
	json_t *ports = json_array();

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		if (!(roles & 1u << role))
			continue;
		json_t *port = json_pack("{s:i, s:s}", "id", engine->ports[role].id, "role",
			worker_role_names[role]);
		json_object_update_new(port, show(engine, (enum worker_role)role));
		json_array_append_new(ports, port);
	}
	return json_pack("{s:o}", "ports", ports);
}

// ---- what they are

static json_t *show_link(const struct port *port)
{
	struct rte_eth_link link = {0};
	bool known = rte_eth_link_get_nowait(port->id, &link) == 0;
	bool speed = known && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN &&
		     link.link_speed != RTE_ETH_SPEED_NUM_NONE;

	return json_pack("{s:b, s:o, s:b, s:b}", "link_up", link.link_status == RTE_ETH_LINK_UP,
		"link_mbit_per_s", speed ? json_integer(link.link_speed) : json_null(),
		"full_duplex", link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX, "autoneg",
		link.link_autoneg == RTE_ETH_LINK_AUTONEG);
}

static json_t *show_device(const struct port *port)
{
	struct rte_eth_dev_info info;
	int socket = rte_eth_dev_socket_id(port->id);
	char firmware[64];

	if (rte_eth_dev_info_get(port->id, &info) != 0)
		memset(&info, 0, sizeof(info));
	bool known = rte_eth_dev_fw_version_get(port->id, firmware, sizeof(firmware)) == 0;
	return json_pack("{s:s, s:s?, s:s?, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "device",
		port->device, "driver", info.driver_name, "firmware", known ? firmware : NULL,
		"socket", socket < 0 ? json_null() : json_integer(socket), "max_rx_queues",
		info.max_rx_queues, "max_tx_queues", info.max_tx_queues, "max_rx_descriptors",
		info.rx_desc_lim.nb_max, "max_tx_descriptors", info.tx_desc_lim.nb_max,
		"max_mac_addresses", (int)info.max_mac_addrs, "min_mtu", info.min_mtu, "max_mtu",
		info.max_mtu);
}

static json_t *show_info(struct engine *engine, enum worker_role role)
{
	const struct port *port = &engine->ports[role];
	char mac[RTE_ETHER_ADDR_FMT_SIZE];
	uint16_t mtu = port->mtu;

	rte_eth_dev_get_mtu(port->id, &mtu);
	rte_ether_format_addr(mac, sizeof(mac), &port->mac);
	json_t *shown = json_pack("{s:s, s:b, s:i, s:b, s:b, s:i, s:i, s:i, s:i}", "mac", mac,
		"started", !port->stopped, "mtu", mtu, "promiscuous",
		rte_eth_promiscuous_get(port->id) == 1, "allmulticast",
		rte_eth_allmulticast_get(port->id) == 1, "rx_queues", port->rx_queues, "tx_queues",
		port->tx_queues, "rx_descriptors", port->rx_desc, "tx_descriptors", port->tx_desc);
	json_object_update_new(shown, show_device(port));
	json_object_update_new(shown, show_link(port));
	return shown;
}

json_t *api_port_info(void *user, struct rpc_call *call, json_t *params)
{
	unsigned roles = read_ports(user, call, params, false);

	return roles ? list(user, roles, show_info) : NULL;
}

// ---- what they counted

static json_t *show_stats(struct engine *engine, enum worker_role role)
{
	struct port_stats stats;
	json_t *shown = json_object();

	port_stats_since(&engine->ports[role], &stats);
#define X(name) json_object_set_new(shown, #name, json_integer((json_int_t)stats.name));
	PORT_COUNTER_LIST(X)
#undef X
	return shown;
}

json_t *api_port_stats(void *user, struct rpc_call *call, json_t *params)
{
	unsigned roles = read_ports(user, call, params, false);
	json_t *result = roles ? list(user, roles, show_stats) : NULL;

	// For rates, which are each client's own to compute
	if (result)
		json_object_set_new(result, "time_us",
			json_integer((json_int_t)(rte_rdtsc() / (rte_get_tsc_hz() / 1000000))));
	return result;
}

static json_t *show_xstats(struct engine *engine, enum worker_role role)
{
	uint16_t id = engine->ports[role].id;
	int n = rte_eth_xstats_get_names(id, NULL, 0);
	struct rte_eth_xstat_name *names = n > 0 ? calloc((size_t)n, sizeof(*names)) : NULL;
	struct rte_eth_xstat *values = n > 0 ? calloc((size_t)n, sizeof(*values)) : NULL;
	json_t *xstats = json_object();

	if (names && values && rte_eth_xstats_get_names(id, names, (unsigned)n) == n &&
		rte_eth_xstats_get(id, values, (unsigned)n) == n) {
		for (int i = 0; i < n; i++) {
			if (values[i].id < (uint64_t)n)
				json_object_set_new(xstats, names[values[i].id].name,
					json_integer((json_int_t)values[i].value));
		}
	}
	free(names);
	free(values);
	return json_pack("{s:o}", "xstats", xstats);
}

json_t *api_port_xstats(void *user, struct rpc_call *call, json_t *params)
{
	unsigned roles = read_ports(user, call, params, false);

	return roles ? list(user, roles, show_xstats) : NULL;
}

static json_t *clear_one(struct engine *engine, enum worker_role role)
{
	port_stats_clear(&engine->ports[role]);
	return json_object();
}

json_t *api_port_clear(void *user, struct rpc_call *call, json_t *params)
{
	unsigned roles = read_ports(user, call, params, true);

	return roles ? list(user, roles, clear_one) : NULL;
}

// ---- stop and start

// Workers first leave the port alone, all of them, before the driver stops; and come back after it
// has started.
static int change(struct engine *engine, enum worker_role role, bool start, char *error)
{
	struct port *port = &engine->ports[role];
	uint8_t *special = &engine->shared.special[role];
	int rc;

	if (!start) {
		__atomic_or_fetch(special, WORKER_PORT_STOPPED, __ATOMIC_RELEASE);
		synchronize_rcu();
	}
	rc = start ? port_start(port, error) : port_stop(port, error);
	if (!port->stopped)
		__atomic_and_fetch(special, (uint8_t)~WORKER_PORT_STOPPED, __ATOMIC_RELEASE);
	if (rc == 0)
		log_notice("port %u (%s, %s) is %s", port->id, worker_role_names[role],
			port->device, start ? "started" : "stopped");
	return rc;
}

static json_t *change_all(void *user, struct rpc_call *call, json_t *params, bool start)
{
	struct engine *engine = user;
	unsigned roles = read_ports(engine, call, params, true);
	char error[PORT_ERROR_MAX] = "";
	json_t *ports;

	// All or none, as far as can be told
	for (int role = ROLE_WIRE; !start && role < ROLE_COUNT; role++)
		if ((roles & 1u << role) && port_can_stop(&engine->ports[role], error) != 0)
			return rpc_fail(call, RPC_REFUSED, "port", "port: %s", error);
	if (!roles)
		return NULL;
	ports = json_array();
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		const struct port *port = &engine->ports[role];
		bool changes = port->stopped == start;

		if (!(roles & 1u << role))
			continue;
		if (changes && change(engine, (enum worker_role)role, start, error) != 0) {
			json_decref(ports);
			return rpc_fail(call, RPC_REFUSED, "port", "port: %s", error);
		}
		json_array_append_new(ports,
			json_pack("{s:i, s:s, s:b, s:b}", "id", port->id, "role",
				worker_role_names[role], "started", start, "changed", changes));
	}
	return json_pack("{s:o}", "ports", ports);
}

json_t *api_port_start(void *user, struct rpc_call *call, json_t *params)
{
	return change_all(user, call, params, true);
}

json_t *api_port_stop(void *user, struct rpc_call *call, json_t *params)
{
	return change_all(user, call, params, false);
}
