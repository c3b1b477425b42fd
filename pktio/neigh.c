// SPDX-License-Identifier: BSD-3-Clause
// ARP, neighbour discovery and echo replies for the engine's own addresses. All input is hostile:
// each length is checked, and only what was asked for is learned by the caller. Control thread.
#include "pktio/neigh.h"

#include <string.h>

#include <rte_arp.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#define ND_SOLICIT   135
#define ND_ADVERT    136
#define ND_OPT_SLLA  1
#define ND_OPT_TLLA  2
#define ND_SOLICITED 0x60000000u // solicited, override
#define ND_OVERRIDE  0x20000000u
#define ICMP6_ECHO   128
#define ICMP6_REPLY  129

struct nd_message { // of a solicitation or an advertisement (RFC 4861 sections 4.3 and 4.4)
	uint8_t type, code;
	rte_be16_t checksum;
	rte_be32_t flags;
	struct in6_addr target;
};

struct nd_option { // link-layer address
	uint8_t type, length;
	struct rte_ether_addr mac;
};

// A frame under construction.
struct builder {
	uint8_t bytes[NEIGH_FRAME_MAX];
	uint32_t length;
};

void neigh_init(struct neigh *neigh, const struct rte_ether_addr *mac, uint16_t vlan,
	const struct address addresses[], unsigned n)
{
	neigh->mac = *mac;
	neigh->vlan = vlan;
	if (n > NEIGH_ADDRESSES - 1)
		n = NEIGH_ADDRESSES - 1;
	memcpy(neigh->addresses, addresses, n * sizeof(addresses[0]));
	neigh->addresses[n].ip = address_link_local(mac);
	neigh->addresses[n].prefix = 64;
	neigh->n_addresses = n + 1;
}

static bool owns(const struct neigh *neigh, const struct in6_addr *ip)
{
	for (unsigned i = 0; i < neigh->n_addresses; i++)
		if (address_equal(&neigh->addresses[i].ip, ip))
			return true;
	return false;
}

static bool on_link(const struct neigh *neigh, const struct in6_addr *ip, struct in6_addr *own)
{
	for (unsigned i = 0; i < neigh->n_addresses; i++) {
		if (address_on_link(&neigh->addresses[i], ip)) {
			*own = neigh->addresses[i].ip;
			return true;
		}
	}
	return false;
}

static void *append(struct builder *b, const void *data, uint32_t length)
{
	void *at = b->bytes + b->length;

	memcpy(at, data, length);
	b->length += length;
	return at;
}

static void begin(struct builder *b, const struct neigh *neigh, const struct rte_ether_addr *to,
	uint16_t type)
{
	struct rte_ether_hdr eth = {.dst_addr = *to, .src_addr = neigh->mac};
	struct rte_vlan_hdr vlan = {rte_cpu_to_be_16(neigh->vlan), rte_cpu_to_be_16(type)};

	b->length = 0;
	eth.ether_type = rte_cpu_to_be_16(neigh->vlan ? RTE_ETHER_TYPE_VLAN : type);
	append(b, &eth, sizeof(eth));
	if (neigh->vlan)
		append(b, &vlan, sizeof(vlan));
}

static void send_frame(struct neigh *neigh, const struct builder *b)
{
	neigh->send(neigh->arg, b->bytes, b->length);
}

static void send_arp(struct neigh *neigh, uint16_t op, const struct rte_ether_addr *to,
	const struct rte_ether_addr *target_mac, rte_be32_t own, rte_be32_t target)
{
	struct builder b;
	struct rte_arp_hdr arp = {
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = 4,
		.arp_opcode = rte_cpu_to_be_16(op),
		.arp_data = {neigh->mac, own, *target_mac, target},
	};

	begin(&b, neigh, to, RTE_ETHER_TYPE_ARP);
	append(&b, &arp, sizeof(arp));
	send_frame(neigh, &b);
}

static void input_arp(struct neigh *neigh, const uint8_t *data, uint32_t length)
{
	struct rte_arp_hdr arp;
	struct in6_addr sender, target;

	if (length < sizeof(arp))
		return;
	memcpy(&arp, data, sizeof(arp));
	if (arp.arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
		arp.arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		arp.arp_hlen != RTE_ETHER_ADDR_LEN || arp.arp_plen != 4)
		return;
	sender = address_from_ipv4(arp.arp_data.arp_sip);
	target = address_from_ipv4(arp.arp_data.arp_tip);
	if (address_is_unicast(&sender) && !owns(neigh, &sender))
		neigh->learn(neigh->arg, &sender, &arp.arp_data.arp_sha);
	if (arp.arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST) && owns(neigh, &target)) {
		send_arp(neigh, RTE_ARP_OP_REPLY, &arp.arp_data.arp_sha, &arp.arp_data.arp_sha,
			arp.arp_data.arp_tip, arp.arp_data.arp_sip);
	}
}

// Appends an IPv6 header and an ICMPv6 message with its checksum.
static void append_icmp6(struct builder *b, const struct in6_addr *src, const struct in6_addr *dst,
	const void *message, uint32_t length)
{
	struct rte_ipv6_hdr ip = {.vtc_flow = RTE_BE32(6u << 28),
		.payload_len = rte_cpu_to_be_16((uint16_t)length),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = 255};
	uint8_t *head;
	uint16_t sum = 0;

	memcpy(ip.src_addr, src, 16);
	memcpy(ip.dst_addr, dst, 16);
	append(b, &ip, sizeof(ip));
	head = append(b, message, length);
	memcpy(head + 2, &sum, sizeof(sum));
	sum = rte_ipv6_udptcp_cksum(&ip, head);
	memcpy(head + 2, &sum, sizeof(sum));
}

static void send_nd(struct neigh *neigh, uint8_t type, const struct rte_ether_addr *to,
	const struct in6_addr *src, const struct in6_addr *dst, const struct in6_addr *target,
	uint32_t flags)
{
	struct builder b;
	struct {
		struct nd_message nd;
		struct nd_option option;
	} message = {
		.nd = {.type = type, .flags = rte_cpu_to_be_32(flags), .target = *target},
		.option = {.type = type == ND_SOLICIT ? ND_OPT_SLLA : ND_OPT_TLLA,
			.length = 1,
			.mac = neigh->mac},
	};

	begin(&b, neigh, to, RTE_ETHER_TYPE_IPV6);
	append_icmp6(&b, src, dst, &message, sizeof(message));
	send_frame(neigh, &b);
}

// Finds an option with a link-layer address behind the message (RFC 4861 section 4.6.1).
static const struct rte_ether_addr *nd_find_option(const uint8_t *at, uint32_t left, uint8_t type)
{
	while (left >= 8) {
		uint32_t length = at[1] * 8u;

		if (length == 0 || length > left)
			return NULL;
		if (at[0] == type)
			return (const struct rte_ether_addr *)(at + 2);
		at += length;
		left -= length;
	}
	return NULL;
}

static void input_solicit(struct neigh *neigh, const struct in6_addr *src,
	const struct nd_message *nd, const struct rte_ether_addr *option)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}};
	static const struct rte_ether_addr all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}};

	if (!owns(neigh, &nd->target))
		return;
	if (address_is_zero(src)) { // duplicate address detection
		send_nd(neigh, ND_ADVERT, &all_nodes_mac, &nd->target, &all_nodes, &nd->target,
			ND_OVERRIDE);
		return;
	}
	if (option) {
		neigh->learn(neigh->arg, src, option);
		send_nd(neigh, ND_ADVERT, option, &nd->target, src, &nd->target, ND_SOLICITED);
	}
}

static void input_nd(struct neigh *neigh, const struct rte_ipv6_hdr *ip, const uint8_t *data,
	uint32_t length, const struct rte_ether_addr *from)
{
	struct nd_message nd;
	struct in6_addr src;
	const struct rte_ether_addr *option;

	if (length < sizeof(nd) || ip->hop_limits != 255)
		return;
	memcpy(&nd, data, sizeof(nd));
	memcpy(&src, ip->src_addr, 16);
	if (nd.code != 0 || IN6_IS_ADDR_MULTICAST(&nd.target))
		return;
	option = nd_find_option(data + sizeof(nd), length - sizeof(nd),
		nd.type == ND_SOLICIT ? ND_OPT_SLLA : ND_OPT_TLLA);
	if (nd.type == ND_SOLICIT) {
		// A unicast probe need not carry the option
		input_solicit(neigh, &src, &nd, option ? option : from);
	} else if (option && !owns(neigh, &nd.target)) {
		neigh->learn(neigh->arg, &nd.target, option);
	}
}

static void reply_echo6(struct neigh *neigh, const struct rte_ipv6_hdr *ip, const uint8_t *data,
	uint32_t length, const struct rte_ether_addr *from)
{
	struct builder b;
	struct in6_addr src, dst;
	uint8_t message[NEIGH_FRAME_MAX - 64];

	memcpy(&src, ip->src_addr, 16);
	memcpy(&dst, ip->dst_addr, 16);
	if (length < 8 || length > sizeof(message) || !owns(neigh, &dst) ||
		IN6_IS_ADDR_MULTICAST(&src))
		return;
	memcpy(message, data, length);
	message[0] = ICMP6_REPLY;
	begin(&b, neigh, from, RTE_ETHER_TYPE_IPV6);
	append_icmp6(&b, &dst, &src, message, length);
	send_frame(neigh, &b);
}

static bool icmp6_valid(const struct rte_ipv6_hdr *ip, const uint8_t *data, uint32_t length)
{
	uint32_t sum = (uint32_t)rte_ipv6_phdr_cksum(ip, 0) + rte_raw_cksum(data, length);

	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

static void input_ipv6(struct neigh *neigh, const uint8_t *data, uint32_t length,
	const struct rte_ether_addr *from)
{
	struct rte_ipv6_hdr ip;
	uint32_t payload;

	if (length < sizeof(ip) + 8)
		return;
	memcpy(&ip, data, sizeof(ip));
	payload = rte_be_to_cpu_16(ip.payload_len);
	data += sizeof(ip);
	if (ip.proto != IPPROTO_ICMPV6 || payload < 8 || payload > length - sizeof(ip) ||
		!icmp6_valid(&ip, data, payload))
		return;
	if (data[0] == ND_SOLICIT || data[0] == ND_ADVERT)
		input_nd(neigh, &ip, data, payload, from);
	else if (data[0] == ICMP6_ECHO && data[1] == 0)
		reply_echo6(neigh, &ip, data, payload, from);
}

// Answers an echo request in a copy of the packet, without its IP options.
static void input_ipv4(struct neigh *neigh, const uint8_t *data, uint32_t length,
	const struct rte_ether_addr *from)
{
	struct builder b;
	struct rte_ipv4_hdr ip, *out;
	struct rte_icmp_hdr *icmp;
	struct in6_addr dst;
	uint32_t header, total;

	if (length < sizeof(ip))
		return;
	memcpy(&ip, data, sizeof(ip));
	header = rte_ipv4_hdr_len(&ip);
	total = rte_be_to_cpu_16(ip.total_length);
	dst = address_from_ipv4(ip.dst_addr);
	if (header < sizeof(ip) || total > length || total < header + sizeof(*icmp) ||
		total > NEIGH_FRAME_MAX - 64 || ip.next_proto_id != IPPROTO_ICMP ||
		(ip.fragment_offset & RTE_BE16(0x3fff)) != 0 ||
		data[header] != RTE_IP_ICMP_ECHO_REQUEST || !owns(neigh, &dst))
		return;
	begin(&b, neigh, from, RTE_ETHER_TYPE_IPV4);
	out = append(&b, &ip, sizeof(ip));
	out->version_ihl = RTE_IPV4_VHL_DEF;
	out->total_length = rte_cpu_to_be_16((uint16_t)(total - header + sizeof(ip)));
	out->time_to_live = 64;
	out->src_addr = ip.dst_addr;
	out->dst_addr = ip.src_addr;
	out->hdr_checksum = 0;
	out->hdr_checksum = rte_ipv4_cksum(out);
	icmp = append(&b, data + header, total - header);
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, total - header);
	send_frame(neigh, &b);
}

void neigh_input(struct neigh *neigh, const uint8_t *frame, uint32_t length)
{
	struct rte_ether_hdr eth;
	struct rte_vlan_hdr tag;
	uint32_t at = sizeof(eth);
	uint16_t type, vlan = 0;

	if (length < sizeof(eth) || length > NEIGH_FRAME_MAX)
		return;
	memcpy(&eth, frame, sizeof(eth));
	type = rte_be_to_cpu_16(eth.ether_type);
	if (type == RTE_ETHER_TYPE_VLAN && length >= at + sizeof(tag)) {
		memcpy(&tag, frame + at, sizeof(tag));
		vlan = rte_be_to_cpu_16(tag.vlan_tci) & 0xfff;
		type = rte_be_to_cpu_16(tag.eth_proto);
		at += sizeof(tag);
	}
	if (vlan != neigh->vlan || !rte_is_valid_assigned_ether_addr(&eth.src_addr))
		return;
	if (type == RTE_ETHER_TYPE_ARP)
		input_arp(neigh, frame + at, length - at);
	else if (type == RTE_ETHER_TYPE_IPV6)
		input_ipv6(neigh, frame + at, length - at, &eth.src_addr);
	else if (type == RTE_ETHER_TYPE_IPV4)
		input_ipv4(neigh, frame + at, length - at, &eth.src_addr);
}

bool neigh_request(struct neigh *neigh, const struct in6_addr *ip)
{
	static const struct rte_ether_addr broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	static const struct rte_ether_addr zero;
	struct in6_addr own, group = {.s6_addr = {0xff, 2, [11] = 1, [12] = 0xff}};
	struct rte_ether_addr group_mac = {{0x33, 0x33, 0xff}};

	if (!on_link(neigh, ip, &own))
		return false;
	if (address_is_ipv4(ip)) {
		send_arp(neigh, RTE_ARP_OP_REQUEST, &broadcast, &zero, own.s6_addr32[3],
			ip->s6_addr32[3]);
		return true;
	}
	memcpy(&group.s6_addr[13], &ip->s6_addr[13], 3); // solicited-node address (RFC 4291)
	memcpy(&group_mac.addr_bytes[3], &ip->s6_addr[13], 3);
	send_nd(neigh, ND_SOLICIT, &group_mac, &own, &group, ip, 0);
	return true;
}
