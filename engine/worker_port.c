// SPDX-License-Identifier: BSD-3-Clause
// Bursts of ports about which something is special. Workers.
#include "engine/worker_port.h"

const char *const worker_role_names[ROLE_COUNT] = {"wire", "host", "exception"};

uint16_t worker_port_receive_special(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	if (worker_port_special(w, role) & WORKER_PORT_STOPPED)
		return 0;
	return rte_eth_rx_burst(w->shared->port[role], queue, mbufs, n);
}

uint16_t worker_port_send_special(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	if (worker_port_special(w, role) & WORKER_PORT_STOPPED)
		return 0;
	return rte_eth_tx_burst(w->shared->port[role], queue, mbufs, n);
}
