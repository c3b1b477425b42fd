// SPDX-License-Identifier: BSD-3-Clause
// The packet parser; every length in a packet is checked against the bytes that are there. Workers.
#include "pktio/parse.h"

#include <stdbool.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>
#include <rte_udp.h>

#define PLAIN_HEADERS (RTE_ETHER_HDR_LEN + 20 + 8)

// What is left to parse: `at` is relative to the frame, `end` where the enclosing layer ends.
struct cursor {
	const uint8_t *frame;
	uint32_t at, end;
};

static inline uint32_t left(const struct cursor *c)
{
	return c->end - c->at;
}

static inline uint16_t read16(const struct cursor *c, uint32_t offset)
{
	return (uint16_t)(c->frame[c->at + offset] << 8 | c->frame[c->at + offset + 1]);
}

static enum parse_kind parse_udp(struct cursor *c, struct parse *out)
{
	uint32_t length;

	if (left(c) < sizeof(struct rte_udp_hdr))
		return PARSE_MALFORMED;
	length = read16(c, 4);
	if (length < sizeof(struct rte_udp_hdr) || length > left(c))
		return PARSE_MALFORMED;
	memcpy(&out->src_port, c->frame + c->at, 2);
	memcpy(&out->dst_port, c->frame + c->at + 2, 2);
	out->payload = (uint16_t)(c->at + sizeof(struct rte_udp_hdr));
	out->length = (uint16_t)(length - sizeof(struct rte_udp_hdr));
	return PARSE_UDP;
}

static void map_ipv4(struct in6_addr *out, const uint8_t *bytes)
{
	out->s6_addr32[0] = 0;
	out->s6_addr32[1] = 0;
	out->s6_addr32[2] = RTE_BE32(0xffff);
	memcpy(&out->s6_addr32[3], bytes, 4);
}

static enum parse_kind parse_ipv4(struct cursor *c, struct parse *out)
{
	const uint8_t *ip = c->frame + c->at;
	uint32_t header, total;

	if (left(c) < sizeof(struct rte_ipv4_hdr) || ip[0] >> 4 != 4)
		return PARSE_MALFORMED;
	header = (ip[0] & 15) * 4;
	total = read16(c, 2);
	if (header < sizeof(struct rte_ipv4_hdr) || total < header || total > left(c))
		return PARSE_MALFORMED;
	if (read16(c, 6) & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return PARSE_FRAGMENT;
	if (ip[9] != IPPROTO_UDP)
		return ip[9] == IPPROTO_ICMP ? PARSE_ICMP : PARSE_OTHER;
	map_ipv4(&out->src, ip + 12);
	map_ipv4(&out->dst, ip + 16);
	c->end = c->at + total;
	c->at += header;
	return parse_udp(c, out);
}

// Steps over the extension headers that may stand before UDP. `next` is the first one's type.
static enum parse_kind skip_extensions(struct cursor *c, uint8_t next, struct parse *out)
{
	for (unsigned i = 0; i <= PARSE_EXTENSIONS_MAX; i++) {
		uint32_t length;

		switch (next) {
		case IPPROTO_UDP:
			return parse_udp(c, out);
		case IPPROTO_ICMPV6:
			return PARSE_ICMP;
		case IPPROTO_FRAGMENT:
			return PARSE_FRAGMENT;
		case IPPROTO_HOPOPTS:
		case IPPROTO_DSTOPTS:
			break;
		default: // a routing header, too: where it leads is the kernel's decision
			return PARSE_OTHER;
		}
		if (left(c) < 8)
			return PARSE_MALFORMED;
		length = (c->frame[c->at + 1] + 1u) * 8;
		if (length > left(c))
			return PARSE_MALFORMED;
		next = c->frame[c->at];
		c->at += length;
	}
	return PARSE_OTHER;
}

static enum parse_kind parse_ipv6(struct cursor *c, struct parse *out)
{
	const uint8_t *ip = c->frame + c->at;
	uint32_t length;

	if (left(c) < sizeof(struct rte_ipv6_hdr) || ip[0] >> 4 != 6)
		return PARSE_MALFORMED;
	length = read16(c, 4);
	c->at += sizeof(struct rte_ipv6_hdr);
	if (length > left(c))
		return PARSE_MALFORMED;
	c->end = c->at + length;
	memcpy(&out->src, ip + 8, 16);
	memcpy(&out->dst, ip + 24, 16);
	return skip_extensions(c, ip[6], out);
}

static void parse_any(const uint8_t *frame, uint32_t length, struct parse *out)
{
	struct cursor c = {.frame = frame, .end = length};
	uint16_t type;

	out->vlan = 0;
	out->tagged = 0;
	if (length < RTE_ETHER_HDR_LEN) {
		out->kind = PARSE_MALFORMED;
		return;
	}
	type = read16(&c, 12);
	c.at = RTE_ETHER_HDR_LEN;
	if (type == RTE_ETHER_TYPE_VLAN) {
		if (left(&c) < RTE_VLAN_HLEN) {
			out->kind = PARSE_MALFORMED;
			return;
		}
		out->tagged = 1;
		out->vlan = read16(&c, 0) & 0xfff;
		type = read16(&c, 2);
		c.at += RTE_VLAN_HLEN;
	}
	if (type == RTE_ETHER_TYPE_IPV4)
		out->kind = parse_ipv4(&c, out);
	else if (type == RTE_ETHER_TYPE_IPV6)
		out->kind = parse_ipv6(&c, out);
	else
		out->kind = type == RTE_ETHER_TYPE_ARP ? PARSE_ARP : PARSE_OTHER;
}

// What nearly all media is: untagged IPv4 without options or fragments, UDP. False: anything else,
// and whatever is wrong with it, is for the long way to say.
static inline bool parse_plain(const uint8_t *frame, uint32_t length, struct parse *out)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)frame;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
	uint32_t total, udp_length;

	if (unlikely(length < PLAIN_HEADERS || eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		     ip->version_ihl != RTE_IPV4_VHL_DEF || ip->next_proto_id != IPPROTO_UDP ||
		     (ip->fragment_offset & ~RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0))
		return false;
	total = rte_be_to_cpu_16(ip->total_length);
	udp_length = rte_be_to_cpu_16(udp->dgram_len);
	if (unlikely(total > length - sizeof(*eth) || udp_length < sizeof(*udp) ||
		     udp_length + sizeof(*ip) > total))
		return false;
	map_ipv4(&out->src, (const uint8_t *)&ip->src_addr);
	map_ipv4(&out->dst, (const uint8_t *)&ip->dst_addr);
	out->src_port = udp->src_port;
	out->dst_port = udp->dst_port;
	out->payload = PLAIN_HEADERS;
	out->length = (uint16_t)(udp_length - sizeof(*udp));
	out->vlan = 0;
	out->tagged = 0;
	out->kind = PARSE_UDP;
	return true;
}

void parse_frame(const uint8_t *frame, uint32_t length, struct parse *out)
{
	if (likely(parse_plain(frame, length, out)))
		return;
	parse_any(frame, length, out);
}

void parse_prefetch(struct rte_mbuf *const mbufs[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(mbufs[i]);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
}

void parse_mbuf(const struct rte_mbuf *mbuf, struct parse *out)
{
	parse_frame(rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len, out);
	if (unlikely(out->kind == PARSE_MALFORMED && mbuf->nb_segs > 1))
		out->kind = PARSE_OTHER; // what is missing may be in the next segment
}
