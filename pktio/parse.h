// SPDX-License-Identifier: BSD-3-Clause
// Finds the UDP payload of received frames and its addresses: Ethernet, up to one 802.1Q tag, IPv4
// with options, IPv6 with extension headers; workers.
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#define PARSE_EXTENSIONS_MAX 8 // IPv6 extension headers followed; more than that is for the kernel

enum parse_kind {
	PARSE_UDP,   // every field below is valid
	PARSE_OTHER, // none of these; here and below only `vlan` and `tagged` are valid
	PARSE_ARP,
	PARSE_ICMP,	 // of either IP version
	PARSE_FRAGMENT,	 // a fragment of an IP packet
	PARSE_MALFORMED, // lengths contradict each other or the frame
};

struct parse {
	struct in6_addr src, dst; // IPv4 mapped
	rte_be16_t src_port, dst_port;
	uint16_t payload; // offset of the UDP payload from the start of the frame
	uint16_t length;  // of the UDP payload
	uint16_t vlan;	  // VLAN ID; 0: untagged or priority-tagged
	uint8_t kind;	  // enum parse_kind
	uint8_t tagged;	  // an 802.1Q tag is there (also with VLAN ID 0)
};

// Parses `length` contiguous bytes of a frame.
void parse_frame(const uint8_t *frame, uint32_t length, struct parse *out);

// Fetches what parse_mbuf() will read of a burst.
void parse_prefetch(struct rte_mbuf *const mbufs[], unsigned n);
// Parses the first segment of a packet; one of UDP whose payload goes on in another segment is
// PARSE_OTHER here only if its headers do not fit in the first one.
void parse_mbuf(const struct rte_mbuf *mbuf, struct parse *out);
