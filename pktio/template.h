// SPDX-License-Identifier: BSD-3-Clause
// Ethernet, IP and UDP headers of one direction of one stream, made once, with the checksums of all
// that does not change; workers write them before each packet.
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#define TEMPLATE_MAX (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + 40 + 8) // bytes it may write

// One cache line.
struct template
{
	uint8_t bytes[TEMPLATE_MAX - RTE_ETHER_ADDR_LEN]; // from the source MAC on
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
	uint16_t src_port, dst_port; // host order
	uint8_t dscp;
};

// 0, or -EAFNOSUPPORT when one address is IPv4 and the other is not.
int template_init(struct template *t, const struct template_params *params);

// Writes the headers before `payload` (there must be template_size() bytes of room) for `length`
// bytes of payload. `port_add` is added to both UDP ports: 1 for the RTCP of a stream that is not
// muxed. The UDP checksum is 0 under IPv4 (none, RFC 768) and computed under IPv6 (RFC 8200
// section 8.1).
void template_write(const struct template *t, const struct rte_ether_addr *dst_mac,
	uint8_t *payload, uint16_t length, uint16_t port_add);
