// SPDX-License-Identifier: BSD-3-Clause
// DPDK ports by device name: open, start, read, close. Main and control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mempool.h>

#define PORT_ERROR_MAX 512

struct port_params {
	const char *device; // "net_tap0", "0000:3b:00.0"
	unsigned workers; // one transmit queue for each; receive queues as many as there are, up to
			  // this
	unsigned rx_desc, tx_desc; // 0: the device's own default
	struct rte_mempool *pool;
	bool hears_all; // wants multicast, too, because a kernel or a neighbour responder is behind
};

struct port {
	const char *device;
	uint16_t id;
	uint16_t rx_queues, tx_queues;
	uint16_t mtu;
	struct rte_ether_addr mac; // of the device
	unsigned if_index;	   // of the kernel's interface behind it; 0: none
	bool kernel_behind;	   // the frames go to this machine's kernel (net_tap)
};

// Whether `device` was found; if not, `error` (PORT_ERROR_MAX) names what was.
int port_find(const char *device, uint16_t *id, char *error);

// Configures and starts a port. 0, or -errno with `error` written and the port as it was.
int port_open(struct port *port, const struct port_params *params, char *error);
void port_close(struct port *port);

// Gives the port (and the kernel's interface behind it) another MAC address. 0 or -errno.
int port_set_mac(struct port *port, const struct rte_ether_addr *mac);

struct port_stats {
	bool link_up;
	uint64_t rx_packets, tx_packets, rx_missed, rx_errors, tx_errors;
};
void port_stats_get(const struct port *port, struct port_stats *stats);

// How many mbufs a port of these parameters may hold in its rings.
unsigned port_mbufs(uint16_t id, unsigned workers, unsigned rx_desc, unsigned tx_desc);
