// SPDX-License-Identifier: BSD-3-Clause
// The way of bursts from and to the ports, which may be stopped or captured: one look a burst.
// Workers.
#pragma once

#include <rte_ethdev.h>

#include "engine/worker.h"

// What is special about a port, bits of worker_shared.special.
#define WORKER_PORT_STOPPED  1 // nothing is received from it or sent to it
#define WORKER_PORT_CAPTURED 2 // a capture wants to see its packets

uint16_t worker_port_receive_special(struct worker *worker, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n);
uint16_t worker_port_send_special(struct worker *worker, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n);

static inline uint8_t worker_port_special(const struct worker *w, enum worker_role role)
{
	return __atomic_load_n(&w->shared->special[role], __ATOMIC_ACQUIRE);
}

// As rte_eth_rx_burst() and rte_eth_tx_burst(); a stopped port receives and takes nothing.
static inline uint16_t worker_port_receive(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	if (unlikely(worker_port_special(w, role)))
		return worker_port_receive_special(w, role, queue, mbufs, n);
	return rte_eth_rx_burst(w->shared->port[role], queue, mbufs, n);
}

static inline uint16_t worker_port_send(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	if (unlikely(worker_port_special(w, role)))
		return worker_port_send_special(w, role, queue, mbufs, n);
	return rte_eth_tx_burst(w->shared->port[role], queue, mbufs, n);
}

// Why a packet that a port did not take is dropped.
static inline enum drop_reason worker_port_refused(
	const struct worker *w, enum worker_role role, enum drop_reason full)
{
	return worker_port_special(w, role) & WORKER_PORT_STOPPED ? DROP_PORT_STOPPED : full;
}
