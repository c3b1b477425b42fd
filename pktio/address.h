// SPDX-License-Identifier: BSD-3-Clause
// IP addresses as the whole engine holds them: 16 bytes, IPv4 mapped into IPv6 (::ffff:a.b.c.d).
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ether.h>

#define ADDRESS_TEXT_MAX 64

// An interface's own address with the length of its network, counted in the 128 bits.
struct address {
	struct in6_addr ip;
	uint8_t prefix; // 96 + n for IPv4
};

static inline bool address_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return a->s6_addr32[0] == b->s6_addr32[0] && a->s6_addr32[1] == b->s6_addr32[1] &&
	       a->s6_addr32[2] == b->s6_addr32[2] && a->s6_addr32[3] == b->s6_addr32[3];
}

static inline bool address_is_ipv4(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_V4MAPPED(ip);
}

static inline bool address_is_zero(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_UNSPECIFIED(ip);
}

static inline uint32_t address_hash(const struct in6_addr *ip)
{
	uint64_t h = ((uint64_t)ip->s6_addr32[0] << 32 | ip->s6_addr32[1]) * 0x9e3779b97f4a7c15;

	h = (h ^ ((uint64_t)ip->s6_addr32[2] << 32 | ip->s6_addr32[3])) * 0xff51afd7ed558ccd;
	return (uint32_t)(h >> 32);
}

// The v4-mapped form of 4 bytes in wire order.
struct in6_addr address_from_ipv4(uint32_t be_ip);

// Unicast, not unspecified, loopback or multicast: what a stream may be sent to.
bool address_is_unicast(const struct in6_addr *ip);

// Whether `ip` lies in the network of `own`.
bool address_on_link(const struct address *own, const struct in6_addr *ip);

// "192.168.50.1/24", "2001:db8::1/64"; without a length it is the single address. 0 or -EINVAL.
int address_parse(const char *text, struct address *out);

// Writes "192.168.50.1" or "2001:db8::1" and returns `out`.
const char *address_text(const struct in6_addr *ip, char out[ADDRESS_TEXT_MAX]);
// The same with "/24" behind.
const char *address_text_prefix(const struct address *address, char out[ADDRESS_TEXT_MAX]);

// The interface's own link-local address, from its MAC address (RFC 4291, appendix A).
struct in6_addr address_link_local(const struct rte_ether_addr *mac);
