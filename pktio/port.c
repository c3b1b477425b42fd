// SPDX-License-Identifier: BSD-3-Clause
// Opens DPDK ports with the offloads they offer and the queues the workers need; main thread.
#include "pktio/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#define DESCRIPTORS	1024
#define DESCRIPTORS_XDP 2048 // as many buffers as the driver gives to the kernel

static void list_devices(char *out, size_t size)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;
	size_t used = 0;

	snprintf(out, size, "none");
	RTE_ETH_FOREACH_DEV (id) {
		if (rte_eth_dev_get_name_by_port(id, name) != 0 || used >= size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
	}
}

int port_find(const char *device, uint16_t *id, char *error)
{
	char found[PORT_ERROR_MAX - 128];

	if (rte_eth_dev_get_port_by_name(device, id) == 0)
		return 0;
	list_devices(found, sizeof(found));
	snprintf(error, PORT_ERROR_MAX, "no device %.64s among those found: %s", device, found);
	return -ENODEV;
}

static unsigned min_unsigned(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void want_rss(const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t hash = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;

	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = hash & info->flow_type_rss_offloads;
	if (conf->rx_adv_conf.rss_conf.rss_hf == 0)
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_NONE; // net_tap spreads flows without
}

static int configure(struct port *port, const struct port_params *params,
	const struct rte_eth_dev_info *info, char *error)
{
	struct rte_eth_conf conf = {0};
	int rc;

	port->tx_queues = (uint16_t)params->workers;
	port->rx_queues = (uint16_t)min_unsigned(params->workers, info->max_rx_queues);
	if (info->max_tx_queues < params->workers) {
		snprintf(error, PORT_ERROR_MAX,
			"%s has %u transmit queues, %u workers need one each: fewer workers, or "
			"more queues by the device's arguments",
			params->device, info->max_tx_queues, params->workers);
		return -ENOSPC;
	}
	if (port->rx_queues > 1)
		want_rss(info, &conf);
	rc = rte_eth_dev_configure(port->id, port->rx_queues, port->tx_queues, &conf);
	if (rc != 0) {
		snprintf(error, PORT_ERROR_MAX,
			"%s does not take %u receive and %u transmit "
			"queues: %s",
			params->device, port->rx_queues, port->tx_queues, strerror(-rc));
	}
	return rc;
}

// The default number. Where the kernel fills the ring, a worker that is put off its core for some
// milliseconds must find the packets of that time in it.
static unsigned default_descriptors(uint16_t id)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(id, &info) == 0 && strcmp(info.driver_name, "net_af_xdp") == 0)
		return DESCRIPTORS_XDP;
	return DESCRIPTORS;
}

static void adjust_descriptors(
	uint16_t id, unsigned rx_desc, unsigned tx_desc, uint16_t *rx, uint16_t *tx)
{
	*rx = (uint16_t)(rx_desc ? rx_desc : default_descriptors(id));
	*tx = (uint16_t)(tx_desc ? tx_desc : DESCRIPTORS);
	rte_eth_dev_adjust_nb_rx_tx_desc(id, rx, tx);
}

unsigned port_mbufs(uint16_t id, unsigned workers, unsigned rx_desc, unsigned tx_desc)
{
	uint16_t rx, tx;

	adjust_descriptors(id, rx_desc, tx_desc, &rx, &tx);
	return workers * ((unsigned)rx + tx);
}

static int setup_queues(struct port *port, const struct port_params *params, char *error)
{
	int socket = rte_eth_dev_socket_id(port->id);
	unsigned node = socket < 0 ? 0 : (unsigned)socket;
	uint16_t rx, tx;
	int rc = 0;

	adjust_descriptors(port->id, params->rx_desc, params->tx_desc, &rx, &tx);
	port->rx_desc = rx;
	port->tx_desc = tx;
	for (uint16_t q = 0; rc == 0 && q < port->rx_queues; q++)
		rc = rte_eth_rx_queue_setup(port->id, q, rx, node, NULL, params->pool);
	for (uint16_t q = 0; rc == 0 && q < port->tx_queues; q++)
		rc = rte_eth_tx_queue_setup(port->id, q, tx, node, NULL);
	if (rc != 0) {
		snprintf(error, PORT_ERROR_MAX, "%s: queues of %u and %u descriptors: %s",
			params->device, rx, tx, strerror(-rc));
	}
	return rc;
}

// Multicast is needed for neighbour discovery; what cannot filter it must take all.
static void hear_all(const struct port *port)
{
	if (rte_eth_allmulticast_enable(port->id) != 0)
		rte_eth_promiscuous_enable(port->id);
}

int port_open(struct port *port, const struct port_params *params, char *error)
{
	struct rte_eth_dev_info info;
	int rc;

	memset(port, 0, sizeof(*port));
	port->device = params->device;
	rc = port_find(params->device, &port->id, error);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_info_get(port->id, &info);
	if (rc != 0) {
		snprintf(error, PORT_ERROR_MAX, "%s: %s", params->device, strerror(-rc));
		return rc;
	}
	port->if_index = info.if_index;
	port->kernel_behind = strcmp(info.driver_name, "net_tap") == 0;
	rc = configure(port, params, &info, error);
	if (rc == 0)
		rc = setup_queues(port, params, error);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_start(port->id);
	if (rc != 0) {
		snprintf(error, PORT_ERROR_MAX, "%s does not start: %s", params->device,
			strerror(-rc));
		return rc;
	}
	rte_eth_macaddr_get(port->id, &port->mac);
	rte_eth_dev_get_mtu(port->id, &port->mtu);
	if (params->hears_all)
		hear_all(port);
	return 0;
}

void port_close(struct port *port)
{
	if (port->device) {
		rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
		port->device = NULL;
	}
}

int port_set_mac(struct port *port, const struct rte_ether_addr *mac)
{
	struct rte_ether_addr copy = *mac;
	int rc = rte_eth_dev_default_mac_addr_set(port->id, &copy);

	if (rc == 0)
		port->mac = *mac;
	return rc;
}
