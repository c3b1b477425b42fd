// SPDX-License-Identifier: BSD-3-Clause
// ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861) of a port whose addresses the engine itself
// owns: answers for them, asks for others; answers ping, too. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "pktio/address.h"

#define NEIGH_FRAME_MAX 1518
#define NEIGH_ADDRESSES 17 // the link-local one included

// Sends a frame out of the port; the bytes are borrowed.
typedef void (*neigh_send_cb)(void *arg, const uint8_t *frame, uint32_t length);
// A neighbour has told its MAC address.
typedef void (*neigh_learn_cb)(
	void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac);

struct neigh {
	struct rte_ether_addr mac;
	uint16_t vlan; // 0: untagged
	unsigned n_addresses;
	struct address addresses[NEIGH_ADDRESSES]; // the last is the link-local one
	neigh_send_cb send;
	neigh_learn_cb learn;
	void *arg;
};

void neigh_init(struct neigh *neigh, const struct rte_ether_addr *mac, uint16_t vlan,
	const struct address addresses[], unsigned n);

// Handles a received frame: answers it, learns from it, or ignores it.
void neigh_input(struct neigh *neigh, const uint8_t *frame, uint32_t length);

// Asks who has `ip`. False: no address of ours is in its network.
bool neigh_request(struct neigh *neigh, const struct in6_addr *ip);
