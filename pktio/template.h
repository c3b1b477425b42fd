// SPDX-License-Identifier: BSD-3-Clause
// Ethernet, IP and UDP headers from one address to another, made once, with the checksums of all
// that does not change; workers write them before each packet.
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#define TEMPLATE_MAX (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + 40 + 8) // bytes it may write

// One cache line: the headers of all packets from one address to another, but for what differs
// between packets: the ports and the lengths.
struct template
{
	// Ethernet, VLAN tag and IP header. The first 8 bytes are one atomic word, so that the
	// destination MAC address is never half new; 0: not known.
	uint8_t bytes[TEMPLATE_MAX - 8] __attribute__((aligned(64)));
	// One's complement sum without the lengths: of the IPv4 header, or of UDP's pseudo header
	// under IPv6.
	uint32_t sum : 24;
	uint32_t ipv6 : 1; // else IPv4
	uint32_t tagged : 1;
};
static_assert(sizeof(struct template) == 64, "a template is one cache line");

// Bytes of the headers up to IP, and of all.
static inline uint32_t template_l3(const struct template *t)
{
	return t->tagged ? RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN : RTE_ETHER_HDR_LEN;
}

static inline uint32_t template_size(const struct template *t)
{
	return template_l3(t) + (t->ipv6 ? 40 : 20) + 8;
}

struct template_params {
	struct rte_ether_addr src_mac;
	uint16_t vlan;	     // 0: untagged
	struct in6_addr src; // both IPv4 mapped, or both IPv6
	struct in6_addr dst;
	uint8_t dscp;
};

// 0, or -EAFNOSUPPORT when one address is IPv4 and the other is not. The destination MAC address is
// not known yet.
int template_init(struct template *t, const struct template_params *params);
// NULL: not known (any more). Control thread, while workers read.
void template_set_mac(struct template *t, const struct rte_ether_addr *dst_mac);
// Any thread: false while the destination MAC address is not known.
static inline bool template_ready(const struct template *t)
{
	return (__atomic_load_n((const uint64_t *)t->bytes, __ATOMIC_RELAXED) & 0xffffffffffff) !=
	       0;
}

// Writes the headers before `payload` (there must be template_size() bytes of room) for `length`
// bytes of payload; ports in wire order. The UDP checksum is 0 under IPv4 (none, RFC 768) and
// computed under IPv6 (RFC 8200 section 8.1).
void template_write(const struct template *t, uint8_t *payload, uint16_t length,
	rte_be16_t src_port, rte_be16_t dst_port);
