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

// Counters of a port; they never go back while it is open.
#define PORT_COUNTER_LIST(X)                                                                       \
	X(rx_packets)                                                                              \
	X(rx_missed)                                                                               \
	X(rx_bytes)                                                                                \
	X(rx_errors)                                                                               \
	X(rx_nombuf)                                                                               \
	X(tx_packets)                                                                              \
	X(tx_errors)                                                                               \
	X(tx_bytes)

struct port_stats {
#define X(name) uint64_t name;
	PORT_COUNTER_LIST(X)
#undef X
	bool link_up;
};

struct port {
	const char *device;
	uint16_t id;
	uint16_t rx_queues, tx_queues;
	uint16_t rx_desc, tx_desc; // of each queue
	uint16_t mtu;
	struct rte_ether_addr mac; // of the device
	unsigned if_index;	   // of the kernel's interface behind it; 0: none
	bool kernel_behind;	   // the frames go to this machine's kernel (net_tap)
	bool stopped;
	struct port_stats at_stop; // as the driver had them
	struct port_stats carried; // what the driver forgot when it was started again
	struct port_stats cleared; // what port_stats_clear() saw
};

// Whether `device` was found; if not, `error` (PORT_ERROR_MAX) names what was.
int port_find(const char *device, uint16_t *id, char *error);

// Configures and starts a port. 0, or -errno with `error` written and the port as it was.
int port_open(struct port *port, const struct port_params *params, char *error);
void port_close(struct port *port);

// Gives the port (and the kernel's interface behind it) another MAC address. 0 or -errno.
int port_set_mac(struct port *port, const struct rte_ether_addr *mac);

// When no other thread touches it: stops a port that is open, or starts it again. 0, or -errno with
// `error` (PORT_ERROR_MAX) written; -ENOTSUP: its driver cannot go on after a stop.
int port_can_stop(const struct port *port, char *error);
int port_stop(struct port *port, char *error);
int port_start(struct port *port, char *error);

void port_stats_get(const struct port *port, struct port_stats *stats);
// The same since port_stats_clear(), which leaves what port_stats_get() tells as it is.
void port_stats_since(const struct port *port, struct port_stats *stats);
void port_stats_clear(struct port *port);

// How many mbufs a port of these parameters may hold in its rings.
unsigned port_mbufs(uint16_t id, unsigned workers, unsigned rx_desc, unsigned tx_desc);
