// SPDX-License-Identifier: BSD-3-Clause
// ARP and neighbour discovery for the engine's own addresses, and the table of next hops.
#include <criterion/criterion.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_ip.h>

#include "pktio/neigh.h"
#include "pktio/nexthop.h"

static struct {
	unsigned sent, learned;
	uint32_t length;
	uint8_t frame[NEIGH_FRAME_MAX];
	struct in6_addr ip;
	struct rte_ether_addr mac;
} seen;

static const struct rte_ether_addr own_mac = {{2, 0, 0, 0, 0, 1}}, peer_mac = {{2, 0, 0, 0, 0, 2}};

static void on_send(void *arg, const uint8_t *frame, uint32_t length)
{
	(void)arg;
	seen.sent++;
	seen.length = length;
	memcpy(seen.frame, frame, length);
}

static void on_learn(void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac)
{
	(void)arg;
	seen.learned++;
	seen.ip = *ip;
	seen.mac = *mac;
}

static struct in6_addr ip(const char *text)
{
	struct address a;

	cr_assert_eq(address_parse(text, &a), 0);
	return a.ip;
}

static void start(struct neigh *n, uint16_t vlan)
{
	struct address addresses[2];

	memset(&seen, 0, sizeof(seen));
	memset(n, 0, sizeof(*n));
	address_parse("192.168.50.1/24", &addresses[0]);
	address_parse("fd50::1/64", &addresses[1]);
	neigh_init(n, &own_mac, vlan, addresses, 2);
	n->send = on_send;
	n->learn = on_learn;
}

static uint32_t make_arp(uint8_t *frame, uint16_t op, const char *sender, const char *target)
{
	struct rte_ether_hdr eth = {{{255, 255, 255, 255, 255, 255}}, peer_mac, RTE_BE16(0x0806)};
	struct rte_arp_hdr arp = {RTE_BE16(1), RTE_BE16(0x0800), 6, 4, rte_cpu_to_be_16(op),
		{peer_mac, ip(sender).s6_addr32[3], {{0}}, ip(target).s6_addr32[3]}};

	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &arp, sizeof(arp));
	return sizeof(eth) + sizeof(arp);
}

// A solicitation, or an advertisement, with its link-layer address option.
static uint32_t make_nd(
	uint8_t *frame, uint8_t type, const char *src, const char *dst, const char *target)
{
	struct rte_ether_hdr eth = {{{0x33, 0x33}}, peer_mac, RTE_BE16(0x86dd)};
	struct rte_ipv6_hdr ip6 = {.vtc_flow = RTE_BE32(0x60000000),
		.payload_len = RTE_BE16(32),
		.proto = 58,
		.hop_limits = 255};
	uint8_t nd[32] = {type};
	struct in6_addr address = ip(src);
	uint16_t sum;

	memcpy(ip6.src_addr, &address, 16);
	address = ip(dst);
	memcpy(ip6.dst_addr, &address, 16);
	address = ip(target);
	memcpy(nd + 8, &address, 16);
	nd[24] = type == 135 ? 1 : 2;
	nd[25] = 1;
	memcpy(nd + 26, &peer_mac, 6);
	sum = rte_ipv6_udptcp_cksum(&ip6, nd);
	memcpy(nd + 2, &sum, 2);
	memcpy(frame, &eth, 14);
	memcpy(frame + 14, &ip6, 40);
	memcpy(frame + 54, nd, 32);
	return 86;
}

Test(neigh, answers_arp)
{
	struct neigh n;
	uint8_t frame[128];
	struct rte_arp_hdr arp;
	uint32_t length = make_arp(frame, 1, "192.168.50.2", "192.168.50.1");

	start(&n, 0);
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.sent, 1);
	cr_assert_arr_eq(seen.frame, &peer_mac, 6);
	cr_assert_arr_eq(seen.frame + 6, &own_mac, 6);
	memcpy(&arp, seen.frame + 14, sizeof(arp));
	cr_assert_eq(arp.arp_opcode, RTE_BE16(2));
	cr_assert_eq(arp.arp_data.arp_sip, ip("192.168.50.1").s6_addr32[3]);
	cr_assert_eq(arp.arp_data.arp_tip, ip("192.168.50.2").s6_addr32[3]);
	cr_assert_arr_eq(&arp.arp_data.arp_sha, &own_mac, 6);
	cr_assert_eq(seen.learned, 1);
	make_arp(frame, 1, "192.168.50.2", "192.168.50.3");
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.sent, 1, "not ours");
}

Test(neigh, learns_from_arp_but_not_its_own_address)
{
	struct neigh n;
	uint8_t frame[128];
	uint32_t length = make_arp(frame, 2, "192.168.50.2", "192.168.50.1");
	struct in6_addr expected = ip("192.168.50.2");

	start(&n, 0);
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.learned, 1);
	cr_assert_eq(seen.sent, 0);
	cr_assert(address_equal(&seen.ip, &expected));
	cr_assert_arr_eq(&seen.mac, &peer_mac, 6);
	make_arp(frame, 2, "192.168.50.1", "192.168.50.9");
	neigh_input(&n, frame, length);
	make_arp(frame, 2, "0.0.0.0", "192.168.50.9");
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.learned, 1);
}

Test(neigh, answers_solicitations)
{
	struct neigh n;
	uint8_t frame[128];
	struct rte_ipv6_hdr ip6;
	uint32_t sum, length = make_nd(frame, 135, "fd50::2", "ff02::1:ff00:1", "fd50::1");

	start(&n, 0);
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.sent, 1);
	cr_assert_eq(seen.learned, 1);
	cr_assert_eq(seen.length, 86);
	cr_assert_eq(seen.frame[54], 136);
	cr_assert_eq(seen.frame[58], 0x60, "solicited, override");
	cr_assert_arr_eq(seen.frame + 80, &own_mac, 6);
	memcpy(&ip6, seen.frame + 14, 40);
	cr_assert_eq(ip6.hop_limits, 255);
	sum = (uint32_t)rte_ipv6_phdr_cksum(&ip6, 0) + rte_raw_cksum(seen.frame + 54, 32);
	cr_assert_eq((sum & 0xffff) + (sum >> 16), 0xffff);
	// duplicate address detection is answered to all nodes
	make_nd(frame, 135, "::", "ff02::1:ff00:1", "fd50::1");
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.sent, 2);
	cr_assert_eq(seen.frame[38], 0xff);
	cr_assert_eq(seen.frame[58], 0x20, "not solicited");
	cr_assert_eq(seen.learned, 1);
	// and the link-local address that follows from the MAC address is ours, too
	make_nd(frame, 135, "fe80::2", "ff02::1:ff00:1", "fe80::ff:fe00:1");
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.sent, 3);
}

Test(neigh, takes_advertisements)
{
	struct neigh n;
	uint8_t frame[128];
	uint32_t length = make_nd(frame, 136, "fd50::2", "fd50::1", "fd50::2");

	start(&n, 0);
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.learned, 1);
	frame[60] ^= 1; // the checksum does not match
	neigh_input(&n, frame, length);
	make_nd(frame, 136, "fd50::2", "fd50::1", "fd50::2");
	frame[21] = 254; // from beyond a router
	neigh_input(&n, frame, length);
	make_nd(frame, 136, "fd50::2", "fd50::1", "fd50::1"); // claims our own address
	neigh_input(&n, frame, length);
	cr_assert_eq(seen.learned, 1);
}

Test(neigh, asks)
{
	struct neigh n;
	struct in6_addr other = ip("192.168.51.2"), ipv4 = ip("192.168.50.2"),
			ipv6 = ip("fd50::1234:5678");

	start(&n, 0);
	cr_assert_not(neigh_request(&n, &other));
	cr_assert(neigh_request(&n, &ipv4));
	cr_assert_eq(seen.length, 42);
	cr_assert_eq(seen.frame[0], 0xff);
	cr_assert(neigh_request(&n, &ipv6));
	cr_assert_eq(seen.length, 86);
	cr_assert_arr_eq(seen.frame, "\x33\x33\xff\x34\x56\x78", 6);
	cr_assert_arr_eq(seen.frame + 38 + 13, "\x34\x56\x78", 3);
	start(&n, 42);
	cr_assert(neigh_request(&n, &ipv4));
	cr_assert_arr_eq(seen.frame + 12, "\x81\x00\x00\x2a\x08\x06", 6);
}

Test(neigh, survives_truncation_and_noise)
{
	struct neigh n;
	uint8_t frame[128], copy[128];
	uint32_t length = make_nd(frame, 135, "fd50::2", "ff02::1:ff00:1", "fd50::1");

	start(&n, 0);
	for (uint32_t cut = 0; cut < length; cut++)
		neigh_input(&n, frame, cut);
	cr_assert_eq(seen.sent, 0);
	srand(1);
	for (unsigned i = 0; i < 100000; i++) {
		memcpy(copy, frame, sizeof(copy));
		for (unsigned k = 0; k < 3; k++)
			copy[12 + rand() % (length - 12)] = (uint8_t)rand();
		neigh_input(&n, copy, length);
	}
}

// ---- next hops

static struct {
	unsigned routes, resolves;
	int rc;
	struct in6_addr gateway;
} resolver;

static int route(void *arg, const struct in6_addr *remote, struct in6_addr *hop)
{
	(void)arg;
	resolver.routes++;
	*hop = address_is_zero(&resolver.gateway) ? *remote : resolver.gateway;
	return resolver.rc;
}

static void resolve(void *arg, const struct in6_addr *hop)
{
	(void)arg;
	(void)hop;
	resolver.resolves++;
}

static const struct nexthop_ops ops = {route, resolve, NULL};

static struct nexthop_table *new_table(void)
{
	return nexthop_table_new(&ops, NULL, &own_mac, 0);
}

static struct nexthop *get(struct nexthop_table *table, const struct in6_addr *remote)
{
	struct in6_addr local = ip("10.0.0.1");

	return nexthop_get(table, &local, remote);
}

static bool mac_of(const struct nexthop *n, struct rte_ether_addr *mac)
{
	memcpy(mac, n->headers.bytes, sizeof(*mac));
	return template_ready(&n->headers);
}

Test(nexthop, is_shared_learned_and_let_go)
{
	struct nexthop_table *table = new_table();
	struct in6_addr a = ip("10.0.0.2"), b = ip("10.0.0.3");
	struct rte_ether_addr mac, other = {{2, 0, 0, 0, 0, 9}}, group = {{1}};
	struct nexthop *one = get(table, &a), *two = get(table, &a);
	unsigned entries, unresolved;

	cr_assert_eq(one, two);
	cr_assert_not(mac_of(one, &mac));
	cr_assert_not(nexthop_learn(table, &b, &peer_mac), "nobody asked");
	cr_assert_not(nexthop_learn(table, &a, &group), "no host has that");
	cr_assert(nexthop_learn(table, &a, &peer_mac));
	cr_assert(mac_of(one, &mac));
	cr_assert_arr_eq(&mac, &peer_mac, 6);
	nexthop_learn(table, &a, &other);
	mac_of(one, &mac);
	cr_assert_arr_eq(&mac, &other, 6, "the neighbour has a new one");
	nexthop_put(table, one);
	nexthop_count(table, &entries, &unresolved);
	cr_assert_eq(entries, 1);
	nexthop_put(table, two);
	nexthop_count(table, &entries, &unresolved);
	cr_assert_eq(entries, 0);
	nexthop_table_free(table);
}

Test(nexthop, has_headers_for_each_own_address)
{
	struct nexthop_table *table = new_table();
	struct in6_addr one = ip("10.0.0.1"), two = ip("10.0.0.7"), remote = ip("10.0.0.2");
	struct in6_addr six = ip("2001:db8::1");
	struct nexthop *a = nexthop_get(table, &one, &remote);
	struct nexthop *b = nexthop_get(table, &two, &remote);

	cr_assert_neq(a, b);
	cr_assert_null(nexthop_get(table, &six, &remote));
	nexthop_learn(table, &remote, &peer_mac);
	cr_assert_arr_eq(a->headers.bytes, &peer_mac, 6);
	cr_assert_arr_eq(b->headers.bytes, &peer_mac, 6);
	cr_assert_arr_eq(a->headers.bytes + 26, &one.s6_addr32[3], 4);
	cr_assert_arr_eq(b->headers.bytes + 26, &two.s6_addr32[3], 4);
	cr_assert_arr_eq(b->headers.bytes + 30, &remote.s6_addr32[3], 4);
	nexthop_put(table, a);
	nexthop_put(table, b);
	nexthop_table_free(table);
}

Test(nexthop, follows_the_route)
{
	struct nexthop_table *table;
	struct in6_addr remote = ip("203.0.113.5");
	struct rte_ether_addr mac;
	struct nexthop *n;

	resolver.gateway = ip("10.0.0.254");
	table = new_table();
	n = get(table, &remote);
	cr_assert_not(nexthop_learn(table, &remote, &own_mac));
	cr_assert(nexthop_learn(table, &resolver.gateway, &peer_mac));
	cr_assert(mac_of(n, &mac));
	nexthop_routes_changed(table); // the same route: nothing is lost
	cr_assert(mac_of(n, &mac));
	resolver.gateway = ip("10.0.0.253");
	nexthop_routes_changed(table);
	cr_assert_not(mac_of(n, &mac), "another router, not yet known");
	cr_assert(nexthop_learn(table, &resolver.gateway, &own_mac));
	resolver.rc = -1;
	nexthop_routes_changed(table);
	cr_assert_not(mac_of(n, &mac), "no route any more");
	nexthop_put(table, n);
	nexthop_table_free(table);
}

Test(nexthop, asks_again)
{
	struct nexthop_table *table = new_table();
	struct in6_addr a = ip("10.0.0.2");
	struct nexthop *n = get(table, &a);

	for (uint64_t s = 1; s <= 5; s++)
		nexthop_tick(table, s);
	cr_assert_eq(resolver.resolves, 6, "each second");
	nexthop_learn(table, &a, &peer_mac);
	for (uint64_t s = 6; s <= 44; s++)
		nexthop_tick(table, s);
	cr_assert_eq(resolver.resolves, 7, "now and then");
	nexthop_put(table, n);
	nexthop_table_free(table);
}

Test(nexthop, is_kept_for_the_next_session)
{
	struct nexthop_table *table = new_table();
	struct in6_addr a = ip("10.0.0.2"), b = ip("10.0.0.3");
	struct rte_ether_addr mac;
	struct nexthop *n = get(table, &a);

	nexthop_learn(table, &a, &peer_mac);
	nexthop_put(table, n);
	nexthop_put(table, get(table, &b)); // was never known: not kept
	nexthop_tick(table, 59);
	cr_assert_eq(resolver.resolves, 3, "kept fresh");
	cr_assert_not(nexthop_learn(table, &b, &peer_mac));
	n = get(table, &a);
	cr_assert(mac_of(n, &mac), "known at once");
	nexthop_put(table, n);
	nexthop_tick(table, 118);
	cr_assert(nexthop_learn(table, &a, &peer_mac));
	nexthop_tick(table, 119);
	cr_assert_not(nexthop_learn(table, &a, &peer_mac), "forgotten after a minute");
	nexthop_table_free(table);
}
