// SPDX-License-Identifier: BSD-3-Clause
// Header templates with incremental checksums (RFC 1624): made on the control thread, written on
// workers.
#include "pktio/template.h"

#include <errno.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "pktio/address.h"

#define HOP_LIMIT 64

static uint8_t *put_ethernet(struct template *t, const struct template_params *p, uint8_t *frame)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)frame;
	rte_be16_t type = t->ipv6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	struct rte_vlan_hdr *vlan = (struct rte_vlan_hdr *)(eth + 1);

	eth->src_addr = p->src_mac;
	if (p->vlan == 0) {
		eth->ether_type = type;
		return (uint8_t *)(eth + 1);
	}
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	vlan->vlan_tci = rte_cpu_to_be_16(p->vlan);
	vlan->eth_proto = type;
	return (uint8_t *)(vlan + 1);
}

static void put_ipv4(struct template *t, const struct template_params *p, uint8_t *at)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = (uint8_t)(p->dscp << 2);
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG); // atomic: the ID is 0 (RFC 6864)
	ip->time_to_live = HOP_LIMIT;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = p->src.s6_addr32[3];
	ip->dst_addr = p->dst.s6_addr32[3];
	t->sum = rte_raw_cksum(ip, sizeof(*ip));
}

static void put_ipv6(struct template *t, const struct template_params *p, uint8_t *at)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;

	ip->vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)p->dscp << 22);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = HOP_LIMIT;
	memcpy(ip->src_addr, &p->src, 16);
	memcpy(ip->dst_addr, &p->dst, 16);
	t->sum = (uint32_t)rte_raw_cksum(&p->src, 16) + rte_raw_cksum(&p->dst, 16) +
		 RTE_BE16(IPPROTO_UDP);
}

int template_init(struct template *t, const struct template_params *p)
{
	uint8_t *at;

	if (address_is_ipv4(&p->src) != address_is_ipv4(&p->dst))
		return -EAFNOSUPPORT;
	memset(t, 0, sizeof(*t));
	t->ipv6 = !address_is_ipv4(&p->dst);
	t->tagged = p->vlan != 0;
	at = put_ethernet(t, p, t->bytes);
	if (t->ipv6)
		put_ipv6(t, p, at);
	else
		put_ipv4(t, p, at);
	return 0;
}

void template_set_mac(struct template *t, const struct rte_ether_addr *dst_mac)
{
	uint64_t word;

	memcpy(&word, t->bytes, sizeof(word)); // this thread alone writes it
	memset(&word, 0, RTE_ETHER_ADDR_LEN);
	if (dst_mac)
		memcpy(&word, dst_mac, RTE_ETHER_ADDR_LEN);
	__atomic_store_n((uint64_t *)t->bytes, word, __ATOMIC_RELAXED);
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void finish_ipv4(const struct template *t, uint8_t *l3, uint16_t udp_length)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)l3;

	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + udp_length));
	ip->hdr_checksum = fold(t->sum + ip->total_length);
}

static void finish_ipv6(
	const struct template *t, uint8_t *l3, struct rte_udp_hdr *udp, uint16_t udp_length)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)l3;
	// The length stands in the pseudo header and in the UDP header
	uint32_t sum = t->sum + 2u * udp->dgram_len + udp->src_port + udp->dst_port;

	ip->payload_len = rte_cpu_to_be_16(udp_length);
	sum += rte_raw_cksum(udp + 1, udp_length - sizeof(*udp));
	udp->dgram_cksum = fold(sum);
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

// Copies all headers but UDP's. Of a size that the compiler knows it is a few moves.
static inline void copy_headers(const struct template *t, uint8_t *start)
{
	uint64_t word = __atomic_load_n((const uint64_t *)t->bytes, __ATOMIC_RELAXED);

	if (likely(!t->tagged && !t->ipv6))
		memcpy(start, t->bytes, RTE_ETHER_HDR_LEN + 20);
	else if (!t->tagged)
		memcpy(start, t->bytes, RTE_ETHER_HDR_LEN + 40);
	else if (!t->ipv6)
		memcpy(start, t->bytes, RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + 20);
	else
		memcpy(start, t->bytes, RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + 40);
	memcpy(start, &word, sizeof(word));
}

void template_write(const struct template *t, uint8_t *payload, uint16_t length,
	rte_be16_t src_port, rte_be16_t dst_port)
{
	uint8_t *start = payload - template_size(t);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(payload - sizeof(*udp));
	uint16_t udp_length = (uint16_t)(sizeof(*udp) + length);

	copy_headers(t, start);
	*udp = (struct rte_udp_hdr){src_port, dst_port, rte_cpu_to_be_16(udp_length), 0};
	if (t->ipv6)
		finish_ipv6(t, start + template_l3(t), udp, udp_length);
	else
		finish_ipv4(t, start + template_l3(t), udp_length);
}
