// SPDX-License-Identifier: BSD-3-Clause
// What the kernel knows about one interface: addresses, routes out of it, neighbours (libmnl).
// Control thread; only netlink_read() is driven by the event loop, the questions are answered by
// the kernel at once.
#pragma once

#include <stdbool.h>

#include "pktio/address.h"

struct netlink;

struct netlink_ops {
	// A neighbour's MAC address is known, or has changed.
	void (*neighbour)(void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac);
	// Routes, rules of the interface or its state may have changed.
	void (*routes)(void *arg);
};

// Watches the interface of this index. NULL with errno.
struct netlink *netlink_new(unsigned if_index, const struct netlink_ops *ops, void *arg);
void netlink_free(struct netlink *netlink);

// To be polled for reading; netlink_read() then calls the ops for all that has come. Called once a
// second, too, it tries again what it could not read: after a loss of messages the addresses known
// before stay until all could be read anew.
int netlink_fd(const struct netlink *netlink);
void netlink_read(struct netlink *netlink);

// Whether `ip` is an address of the interface now.
bool netlink_has_address(const struct netlink *netlink, const struct in6_addr *ip);
// Copies up to `max` addresses of the interface; returns how many there are.
unsigned netlink_addresses(const struct netlink *netlink, struct address out[], unsigned max);

// The next hop of the kernel's route to `remote`. 0; -ENETUNREACH: none; -EXDEV: the route leaves
// by another interface.
int netlink_route(struct netlink *netlink, const struct in6_addr *remote, struct in6_addr *hop);

// The neighbour's MAC address if the kernel knows it.
bool netlink_neighbour(
	struct netlink *netlink, const struct in6_addr *ip, struct rte_ether_addr *mac);
// Has the kernel find out (NTF_USE); the answer comes by ops->neighbour. 0 or -errno.
int netlink_neighbour_use(struct netlink *netlink, const struct in6_addr *ip);

// Gives the interface this MAC address. 0 or -errno.
int netlink_set_mac(struct netlink *netlink, const struct rte_ether_addr *mac);
