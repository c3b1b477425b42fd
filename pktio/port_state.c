// SPDX-License-Identifier: BSD-3-Clause
// Ports while they are open: counters, stop and start. Control thread.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "pktio/port.h"

// ---- counters

static void read_driver(uint16_t id, struct port_stats *stats)
{
	struct rte_eth_stats eth;
	struct rte_eth_link link;

	memset(stats, 0, sizeof(*stats));
	if (rte_eth_link_get_nowait(id, &link) == 0)
		stats->link_up = link.link_status == RTE_ETH_LINK_UP;
	if (rte_eth_stats_get(id, &eth) != 0)
		return;
	stats->rx_packets = eth.ipackets;
	stats->rx_missed = eth.imissed;
	stats->rx_bytes = eth.ibytes;
	stats->rx_errors = eth.ierrors;
	stats->rx_nombuf = eth.rx_nombuf;
	stats->tx_packets = eth.opackets;
	stats->tx_errors = eth.oerrors;
	stats->tx_bytes = eth.obytes;
}

void port_stats_get(const struct port *port, struct port_stats *stats)
{
	read_driver(port->id, stats);
#define X(name) stats->name += port->carried.name;
	PORT_COUNTER_LIST(X)
#undef X
}

void port_stats_since(const struct port *port, struct port_stats *stats)
{
	port_stats_get(port, stats);
#define X(name) stats->name -= port->cleared.name;
	PORT_COUNTER_LIST(X)
#undef X
}

void port_stats_clear(struct port *port)
{
	port_stats_get(port, &port->cleared);
}

// Some drivers count from zero again after a start.
static void carry_over(struct port *port)
{
	struct port_stats now;

	read_driver(port->id, &now);
#define X(name)                                                                                    \
	if (now.name < port->at_stop.name)                                                         \
		port->carried.name += port->at_stop.name;
	PORT_COUNTER_LIST(X)
#undef X
}

// ---- stop and start

int port_can_stop(const struct port *port, char *error)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port->id, &info) == 0 &&
		strcmp(info.driver_name, "net_af_packet") == 0) {
		snprintf(error, PORT_ERROR_MAX,
			"%s: net_af_packet closes its sockets for good when it is stopped: take "
			"the interface down instead (ip link set ... down)",
			port->device);
		return -ENOTSUP;
	}
	return 0;
}

int port_stop(struct port *port, char *error)
{
	int rc = port_can_stop(port, error);

	if (rc != 0)
		return rc;
	read_driver(port->id, &port->at_stop);
	rc = rte_eth_dev_stop(port->id);
	if (rc != 0)
		snprintf(
			error, PORT_ERROR_MAX, "%s does not stop: %s", port->device, strerror(-rc));
	else
		port->stopped = true;
	return rc;
}

int port_start(struct port *port, char *error)
{
	int rc = rte_eth_dev_start(port->id);

	if (rc != 0) {
		snprintf(error, PORT_ERROR_MAX, "%s does not start: %s", port->device,
			strerror(-rc));
		return rc;
	}
	port->stopped = false;
	carry_over(port);
	return 0;
}
