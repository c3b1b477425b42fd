// SPDX-License-Identifier: BSD-3-Clause
// The data path from port to port: real ring ports, real worker threads, an independent SRTP end.
#include "engine/rcu.h"
#include "tests/unit/engine_rig.h"

// What a frame from the engine must look like; returns its payload.
static uint8_t *check_udp(struct rig_frame *f, int port, const struct session_addr *src,
	const struct session_addr *dst, unsigned port_add, uint32_t *length)
{
	struct parse p;
	uint8_t *l3 = f->bytes + 14;

	cr_assert_arr_eq(f->bytes, &rig_macs[port], 6, "to the peer's MAC");
	parse_frame(f->bytes, f->length, &p);
	cr_assert_eq(p.kind, PARSE_UDP);
	cr_assert(address_equal(&p.src, &src->ip) && address_equal(&p.dst, &dst->ip));
	cr_assert_eq(rte_be_to_cpu_16(p.src_port), src->port + port_add);
	cr_assert_eq(rte_be_to_cpu_16(p.dst_port), dst->port + port_add);
	cr_assert_eq(f->length, p.payload + p.length);
	if (address_is_ipv4(&src->ip)) {
		cr_assert_eq(rte_raw_cksum(l3, 20), 0xffff, "IPv4 header checksum");
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)l3;
		uint32_t sum = (uint32_t)rte_ipv6_phdr_cksum(ip, 0) +
			       rte_raw_cksum(l3 + 40, f->length - 54);

		cr_assert_eq((sum & 0xffff) + (sum >> 16), 0xffff, "UDP checksum");
	}
	*length = p.length;
	return f->bytes + p.payload;
}

static uint32_t seal(struct context *ctx, uint8_t *data, uint32_t length, uint32_t room, bool rtcp)
{
	struct burst_packet packet = {ctx, data, length, room};
	uint8_t status;

	if (rtcp)
		burst_protect_rtcp(&packet, &status, 1);
	else
		burst_protect(&packet, &status, 1);
	cr_assert_eq(status, BURST_OK);
	return packet.length;
}

static uint32_t open_sealed(struct context *ctx, uint8_t *data, uint32_t length, bool rtcp)
{
	struct burst_packet packet = {ctx, data, length, length + 64};
	uint8_t status;

	if (rtcp)
		burst_unprotect_rtcp(&packet, &status, 1);
	else
		burst_unprotect(&packet, &status, 1);
	cr_assert_eq(status, BURST_OK);
	return packet.length;
}

// Sends n protected RTP packets from the far end and checks what the application gets.
static void from_wire(struct rig *rig, struct context *far, uint16_t first, unsigned n, bool rtcp)
{
	const struct session_params *s = &rig->params;

	for (unsigned i = 0; i < n; i++) {
		uint8_t plain[200], sealed[300], *payload;
		struct rig_frame frame;
		uint32_t length;

		rig_rtp(plain, 0xabcdef01, (uint16_t)(first + i), 172);
		if (rtcp)
			rig_rtcp(plain, 0xabcdef01, (uint16_t)(first + i), 172);
		memcpy(sealed, plain, 172);
		length = seal(far, sealed, 172, sizeof(sealed), rtcp);
		rig_udp(&frame, RIG_WIRE, &s->wire_remote, &s->wire_local, sealed,
			(uint16_t)length);
		rig_send(rig, RIG_WIRE, &frame);
		cr_assert(rig_receive(rig, RIG_HOST, &frame));
		payload =
			check_udp(&frame, RIG_HOST, &s->host_local, &s->host_remote, rtcp, &length);
		cr_assert_eq(length, 172);
		cr_assert_arr_eq(payload, plain, 172, "byte for byte");
	}
}

static void from_host(struct rig *rig, struct context *far, uint16_t first, unsigned n, bool rtcp)
{
	const struct session_params *s = &rig->params;
	struct session_addr to = s->host_local, from = s->host_remote;

	to.port += rtcp;
	from.port = 55555; // the application may send from any port
	for (unsigned i = 0; i < n; i++) {
		uint8_t plain[200], *payload;
		struct rig_frame frame;
		uint32_t length;

		rig_rtp(plain, 0x12345678, (uint16_t)(first + i), 172);
		if (rtcp)
			rig_rtcp(plain, 0x12345678, (uint16_t)(first + i), 172);
		rig_udp(&frame, RIG_HOST, &from, &to, plain, 172);
		rig_send(rig, RIG_HOST, &frame);
		cr_assert(rig_receive(rig, RIG_WIRE, &frame));
		payload = check_udp(&frame, RIG_WIRE, &s->wire_local, &s->wire_remote, 0, &length);
		cr_assert_neq(memcmp(payload + 12, plain + 12, 160), 0, "not in the clear");
		cr_assert_eq(open_sealed(far, payload, length, rtcp), 172);
		cr_assert_arr_eq(payload, plain, 172, "byte for byte");
	}
}

static void both_ways(bool ipv6, enum suite_id suite)
{
	struct rig rig;
	struct context *protect, *unprotect;
	struct session_info info;

	rig_start(&rig);
	rig_params(&rig.params, ipv6);
	rig.params.suite = suite;
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_wire(&rig, protect, 65530, 20, false);
	from_host(&rig, unprotect, 65530, 20, false);
	from_wire(&rig, protect, 1, 3, true);
	from_host(&rig, unprotect, 1, 3, true);
	cr_assert_eq(session_get(rig.engine, rig.id, &info), 0);
	cr_assert_eq(info.rx.packets, 20);
	cr_assert_eq(info.rx.bytes, 20 * 172);
	cr_assert_eq(info.rx.rtcp_packets, 3);
	cr_assert_eq(info.rx.ssrc, 0xabcdef01);
	cr_assert_eq(info.rx.lost, 0);
	cr_assert_eq(info.tx.packets, 20);
	cr_assert_eq(info.tx.bytes, 20 * 172);
	cr_assert_eq(info.tx.rtcp_packets, 3);
	cr_assert_eq(info.tx.dropped + info.rx.dropped, 0);
	cr_assert_lt(info.tx.packets_left, 1ull << 48);
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

Test(worker, forwards_both_ways_ipv4)
{
	both_ways(false, SUITE_AEAD_AES_128_GCM);
}

Test(worker, forwards_both_ways_ipv6)
{
	both_ways(true, SUITE_AEAD_AES_256_GCM);
}

Test(worker, forwards_both_ways_aes_cm)
{
	both_ways(false, SUITE_AES_CM_128_HMAC_SHA1_80);
}

Test(worker, counts_loss)
{
	struct rig rig;
	struct context *protect;
	struct session_info info;

	rig_start(&rig);
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, protect, 100, 10, false);
	from_wire(&rig, protect, 115, 5, false);
	session_get(rig.engine, rig.id, &info);
	cr_assert_eq(info.rx.packets, 15);
	cr_assert_eq(info.rx.lost, 5);
	context_free(protect);
	rig_stop(&rig);
}

// ---- drops: each packet is counted once, under its own reason

struct drop_case {
	const char *name;
	enum drop_reason reason;
	int port;
	const char *src, *dst; // NULL: the session's
	uint16_t src_port, dst_port;
	uint8_t payload[40];
	uint16_t length;
};

static const struct drop_case drop_cases[] = {
	{"remote port", DROP_WRONG_SOURCE, RIG_WIRE, NULL, NULL, 20004, 0, {0x80, 0}, 40},
	{"remote address", DROP_WRONG_SOURCE, RIG_WIRE, "10.0.0.3", NULL, 0, 0, {0x80, 0}, 40},
	{"application", DROP_WRONG_SOURCE, RIG_HOST, "192.168.50.9", NULL, 0, 0, {0x80, 0}, 40},
	{"port, wire", DROP_NO_SESSION, RIG_WIRE, NULL, NULL, 0, 20001, {0x80, 0}, 40},
	{"port, host", DROP_NO_SESSION, RIG_HOST, NULL, NULL, 0, 30002, {0x80, 0}, 40},
	{"address", DROP_NO_SESSION, RIG_WIRE, NULL, "10.0.0.77", 0, 0, {0x80, 0}, 40},
	{"empty", DROP_TOO_SHORT, RIG_WIRE, NULL, NULL, 0, 0, {0}, 0},
	{"11 bytes of RTP", DROP_TOO_SHORT, RIG_WIRE, NULL, NULL, 0, 0, {0x80, 0}, 11},
	{"7 bytes of RTCP", DROP_TOO_SHORT, RIG_HOST, NULL, NULL, 0, 30001, {0x80, 200}, 7},
	{"garbage", DROP_NOT_RTP, RIG_WIRE, NULL, NULL, 0, 0, {0x50, 1, 2}, 40},
	{"STUN of the application", DROP_NOT_RTP, RIG_HOST, NULL, NULL, 0, 0, {0, 1}, 40},
	{"RTP to the RTCP port", DROP_NOT_RTP, RIG_HOST, NULL, NULL, 0, 30001, {0x80, 0}, 40},
	{"STUN", DROP_PUNT_NO_TAKER, RIG_WIRE, NULL, NULL, 0, 0, {0, 1}, 40},
	{"DTLS", DROP_PUNT_NO_TAKER, RIG_WIRE, NULL, NULL, 0, 0, {22, 254}, 40},
	{"forged", DROP_AUTH_FAILED, RIG_WIRE, NULL, NULL, 0, 0, {0x80, 0}, 40},
	{"no tag", DROP_SRTP_MALFORMED, RIG_WIRE, NULL, NULL, 0, 0, {0x80, 0}, 12},
	{"CSRCs beyond the end", DROP_SRTP_MALFORMED, RIG_HOST, NULL, NULL, 0, 0, {0x8f, 0}, 40},
};

static struct session_addr or_session(
	const char *ip, uint16_t port, const struct session_addr *fallback)
{
	struct session_addr addr = *fallback;

	if (ip)
		addr.ip = rig_ip(ip);
	if (port)
		addr.port = port;
	return addr;
}

static void run_drop_case(struct rig *rig, const struct drop_case *c)
{
	const struct session_params *s = &rig->params;
	bool wire = c->port == RIG_WIRE;
	struct session_addr src =
		or_session(c->src, c->src_port, wire ? &s->wire_remote : &s->host_remote);
	struct session_addr dst =
		or_session(c->dst, c->dst_port, wire ? &s->wire_local : &s->host_local);
	struct engine_stats before, after;
	struct rig_frame frame;

	engine_stats_get(rig->engine, &before);
	rig_udp(&frame, c->port, &src, &dst, c->payload, c->length);
	rig_send(rig, c->port, &frame);
	rig_drops(rig, c->reason, before.drops[c->reason] + 1);
	engine_stats_get(rig->engine, &after);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		cr_assert_eq(after.drops[i], before.drops[i] + (i == c->reason), "%s: %s is %lu",
			c->name, drop_names[i], after.drops[i]);
	cr_assert_eq(after.punted - before.punted, c->reason == DROP_PUNT_NO_TAKER);
}

Test(worker, drops_for_one_reason_each)
{
	struct rig rig;
	struct context *protect;
	struct session_info info;

	rig_start(&rig);
	rig_add(&rig);
	for (unsigned i = 0; i < sizeof(drop_cases) / sizeof(drop_cases[0]); i++)
		run_drop_case(&rig, &drop_cases[i]);
	// and the session goes on unharmed
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, protect, 1, 3, false);
	session_get(rig.engine, rig.id, &info);
	cr_assert_eq(info.rx.auth_failed, 1);
	cr_assert_eq(info.rx.packets, 3);
	cr_assert_geq(info.rx.dropped, 2);
	context_free(protect);
	rig_stop(&rig);
}

Test(worker, drops_replayed_and_malformed)
{
	struct rig rig;
	struct rig_frame frame, copy, out;
	struct context *protect;
	uint8_t sealed[300];
	uint32_t length;

	rig_start(&rig);
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	rig_rtp(sealed, 7, 1000, 172);
	length = seal(protect, sealed, 172, sizeof(sealed), false);
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, sealed,
		(uint16_t)length);
	rig_send(&rig, RIG_WIRE, &frame);
	rig_send(&rig, RIG_WIRE, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_REPLAY_DUPLICATE, 1), 1);
	cr_assert(rig_receive(&rig, RIG_HOST, &out));
	cr_assert_not(rig_take(&rig, RIG_HOST, &out));
	copy = frame;
	copy.length -= 20; // shorter than its IP header says
	rig_send(&rig, RIG_WIRE, &copy);
	cr_assert_eq(rig_drops(&rig, DROP_MALFORMED, 1), 1);
	copy = frame;
	copy.bytes[100] ^= 1;
	copy.bytes[14 + 20 + 8 + 3]++; // the next sequence number
	rig_send(&rig, RIG_WIRE, &copy);
	cr_assert_eq(rig_drops(&rig, DROP_AUTH_FAILED, 1), 1);
	context_free(protect);
	rig_stop(&rig);
}

Test(worker, obeys_the_direction)
{
	struct rig rig;
	struct context *protect, *unprotect;
	struct session_params change = {.direction = SESSION_INACTIVE};
	struct rig_frame frame;
	uint8_t plain[172];

	rig_start(&rig);
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, unprotect, 1, 1, false);
	cr_assert_eq(session_update(rig.engine, rig.id, SESSION_DIRECTION, &change, NULL), 0);
	rig_rtp(plain, 1, 2, 172);
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain, 172);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_INACTIVE, 1), 1);
	from_host(&rig, unprotect, 3, 1, true); // RTCP goes on
	from_wire(&rig, protect, 3, 1, true);
	change.direction = SESSION_SENDRECV;
	cr_assert_eq(session_update(rig.engine, rig.id, SESSION_DIRECTION, &change, NULL), 0);
	from_host(&rig, unprotect, 3, 2, false);
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

Test(worker, needs_next_hop_and_mtu)
{
	struct rig rig;
	struct rig_frame frame;
	static uint8_t plain[1472];

	rig_start(&rig);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, NULL), 0);
	rig_rtp(plain, 1, 1, 172);
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain, 172);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_NO_NEXTHOP, 1), 1);
	rig_resolve(&rig);
	rig_rtp(plain, 1, 2, sizeof(plain)); // fills the MTU: no place for the tag
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain,
		sizeof(plain));
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_MTU, 1), 1);
	rig_stop(&rig);
}

Test(worker, changes_keys_and_addresses_in_a_call)
{
	struct rig rig;
	struct context *protect, *unprotect;
	struct session_info info;

	rig_start(&rig);
	rig_add(&rig);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, unprotect, 1, 2, false);
	context_free(unprotect);
	memset(rig.params.tx_key, 0x33, sizeof(rig.params.tx_key));
	memset(rig.params.rx_key, 0x44, sizeof(rig.params.rx_key));
	rig.params.suite = SUITE_AES_CM_128_HMAC_SHA1_32;
	rig.params.wire_remote = rig_addr("10.0.0.9", 29999);
	rig.params.host_remote = rig_addr("192.168.50.77", 41000);
	cr_assert_eq(session_update(rig.engine, rig.id,
			     SESSION_KEYS | SESSION_WIRE_REMOTE | SESSION_HOST_REMOTE, &rig.params,
			     NULL),
		0);
	rig_resolve(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, unprotect, 3, 2, false);
	from_wire(&rig, protect, 3, 2, false);
	session_get(rig.engine, rig.id, &info);
	cr_assert_eq(info.tx.packets, 4, "the statistics go on");
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

Test(worker, hands_over_to_the_owner)
{
	struct rig rig;
	struct rig_frame frame;
	struct context *unprotect;
	struct engine_stats stats;
	uint8_t plain[172];

	rig_prepare(&rig, 2);
	rig.config.workers = 2;
	rig_run(&rig);
	rig_add(&rig);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, unprotect, 1, 1, false); // queue 0: worker 0 owns the stream
	for (uint16_t seq = 2; seq < 12; seq++) {
		uint32_t length;
		uint8_t *payload;

		rig_rtp(plain, 0x12345678, seq, 172);
		rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain,
			172);
		rig_send_queue(&rig, RIG_HOST, 1, &frame);
		cr_assert(rig_receive(&rig, RIG_WIRE, &frame));
		payload = check_udp(&frame, RIG_WIRE, &rig.params.wire_local,
			&rig.params.wire_remote, 0, &length);
		cr_assert_eq(open_sealed(unprotect, payload, length, false), 172);
		cr_assert_arr_eq(payload, plain, 172);
	}
	engine_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.workers, 2);
	cr_assert_eq(stats.handed_over, 10);
	context_free(unprotect);
	rig_stop(&rig);
}

Test(worker, tags_the_wire)
{
	struct rig rig;
	struct rig_frame frame;
	struct context *protect;
	uint8_t sealed[300], plain[172];
	uint32_t length;

	rig_prepare(&rig, 2);
	rig.config.vlan = 42;
	rig_run(&rig);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, NULL), 0);
	cr_assert(rig_receive(&rig, RIG_WIRE, &frame));
	cr_assert_arr_eq(frame.bytes + 12, "\x81\x00\x00\x2a\x08\x06", 6, "ARP in the VLAN");
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	rig_rtp(plain, 1, 1, 172);
	memcpy(sealed, plain, 172);
	length = seal(protect, sealed, 172, sizeof(sealed), false);
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, sealed,
		(uint16_t)length);
	rig_send(&rig, RIG_WIRE, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_WRONG_VLAN, 1), 1);
	nexthop_learn(rig.engine->sides[SIDE_HOST].nexthops, &rig.params.host_remote.ip,
		&rig_macs[RIG_HOST]);
	while (rig_take(&rig, RIG_HOST, &frame))
		;
	rig_udp_vlan(&frame, RIG_WIRE, 42, &rig.params.wire_remote, &rig.params.wire_local, sealed,
		(uint16_t)length);
	rig_send(&rig, RIG_WIRE, &frame);
	cr_assert(rig_receive(&rig, RIG_HOST, &frame));
	cr_assert_arr_eq(check_udp(&frame, RIG_HOST, &rig.params.host_local,
				 &rig.params.host_remote, 0, &length),
		plain, 172);
	// and back, with the tag
	nexthop_learn(rig.engine->sides[SIDE_WIRE].nexthops, &rig.params.wire_remote.ip,
		&rig_macs[RIG_WIRE]);
	while (rig_take(&rig, RIG_WIRE, &frame))
		;
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain, 172);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert(rig_receive(&rig, RIG_WIRE, &frame));
	cr_assert_arr_eq(frame.bytes + 12, "\x81\x00\x00\x2a\x08\x00", 6);
	cr_assert_eq(frame.length, 18 + 20 + 8 + 172 + 16);
	context_free(protect);
	rig_stop(&rig);
}

// ---- the engine as a neighbour

Test(worker, answers_arp_and_ping)
{
	struct rig rig;
	struct rig_frame frame;
	struct rte_arp_hdr arp = {RTE_BE16(1), RTE_BE16(RTE_ETHER_TYPE_IPV4), 6, 4,
		RTE_BE16(RTE_ARP_OP_REQUEST), {.arp_sha = rig_macs[RIG_HOST]}};
	struct rte_ether_addr mac;
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = RTE_BE16(20 + 8 + 4),
		.time_to_live = 1,
		.next_proto_id = 1};
	uint8_t echo[12] = {8, 0, 0, 0, 0, 1, 0, 2, 'p', 'i', 'n', 'g'};
	uint16_t sum;

	rig_start(&rig);
	arp.arp_data.arp_sip = rig_ip("192.168.50.2").s6_addr32[3];
	arp.arp_data.arp_tip = rig_ip("192.168.50.1").s6_addr32[3];
	rig_ethernet(&frame, RIG_HOST, 0, RTE_ETHER_TYPE_ARP);
	rig_append(&frame, &arp, sizeof(arp));
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert(rig_receive(&rig, RIG_HOST, &frame));
	memcpy(&arp, frame.bytes + 14, sizeof(arp));
	cr_assert_eq(arp.arp_opcode, RTE_BE16(RTE_ARP_OP_REPLY));
	cr_assert_eq(arp.arp_data.arp_sip, rig_ip("192.168.50.1").s6_addr32[3]);
	mac = arp.arp_data.arp_sha;
	cr_assert_arr_eq(&mac, frame.bytes + 6, 6);

	ip.src_addr = rig_ip("192.168.50.2").s6_addr32[3];
	ip.dst_addr = rig_ip("192.168.50.1").s6_addr32[3];
	sum = (uint16_t)~rte_raw_cksum(echo, sizeof(echo));
	memcpy(echo + 2, &sum, 2);
	rig_ethernet(&frame, RIG_HOST, 0, RTE_ETHER_TYPE_IPV4);
	rig_append(&frame, &ip, sizeof(ip));
	rig_append(&frame, echo, sizeof(echo));
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert(rig_receive(&rig, RIG_HOST, &frame));
	cr_assert_eq(frame.bytes[34], 0, "echo reply");
	cr_assert_eq(rte_raw_cksum(frame.bytes + 34, 12), 0xffff);
	cr_assert_eq(rte_raw_cksum(frame.bytes + 14, 20), 0xffff);
	rig_stop(&rig);
}

// ---- the kernel's way

Test(worker, passes_the_rest_to_the_kernel_unchanged)
{
	struct rig rig;
	struct rig_frame in, out;
	struct engine_stats stats;
	struct context *protect;

	// The exception port's kernel interface: the loopback of a namespace of the test's own
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	rig_prepare(&rig, 3);
	rig.config.exception = "net_ring_k";
	rig.config.exception_interface = "lo";
	rig_run(&rig);
	for (unsigned kind = 0; kind < 4; kind++) {
		uint8_t payload[60] = {0x80, 0, (uint8_t)kind};

		rig_udp(&in, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, payload,
			60);
		if (kind == 1)
			in.bytes[23] = 6; // TCP
		if (kind == 2)
			in.bytes[20] = 0x20; // a first fragment
		if (kind == 3)
			in.bytes[13] = 6; // ARP
		rig_send(&rig, RIG_WIRE, &in);
		cr_assert(rig_receive(&rig, RIG_KERNEL, &out));
		cr_assert_eq(out.length, in.length);
		cr_assert_arr_eq(out.bytes, in.bytes, in.length);
		rig_send(&rig, RIG_KERNEL, &in);
		cr_assert(rig_receive(&rig, RIG_WIRE, &out));
		cr_assert_eq(out.length, in.length);
		cr_assert_arr_eq(out.bytes, in.bytes, in.length);
	}
	engine_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.to_kernel, 4);
	cr_assert_eq(stats.from_kernel, 4);
	cr_assert_eq(stats.fragments, 1);

	// media of a session does not go there
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, NULL), 0);
	nexthop_learn(rig.engine->sides[SIDE_HOST].nexthops, &rig.params.host_remote.ip,
		&rig_macs[RIG_HOST]);
	usleep(2000);
	while (rig_take(&rig, RIG_HOST, &out))
		;
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, protect, 1, 2, false);
	cr_assert_not(rig_take(&rig, RIG_KERNEL, &out));
	context_free(protect);
	rig_stop(&rig);
}

// In through one port, out of the other; `out` is what came.
static void pass(
	struct rig *rig, int from, int to, const struct rig_frame *in, struct rig_frame *out)
{
	rig_send(rig, from, in);
	cr_assert(rig_receive(rig, to, out));
}

Test(worker, keeps_the_kernel_in_its_vlan)
{
	struct rig rig;
	struct rig_frame plain, tagged, other, out;
	const struct session_addr *peer = &rig.params.wire_remote, *own = &rig.params.wire_local;
	uint8_t payload[60] = {1};

	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	rig_prepare(&rig, 3);
	rig.config.exception = "net_ring_k";
	rig.config.exception_interface = "lo";
	rig.config.vlan = 42;
	rig_run(&rig);
	rig_udp(&plain, RIG_WIRE, peer, own, payload, 60);
	rig_udp_vlan(&tagged, RIG_WIRE, 42, peer, own, payload, 60);
	rig_udp_vlan(&other, RIG_WIRE, 7, peer, own, payload, 60);
	pass(&rig, RIG_WIRE, RIG_KERNEL, &tagged, &out);
	cr_assert_eq(out.length, plain.length);
	cr_assert_arr_eq(out.bytes, plain.bytes, plain.length);
	pass(&rig, RIG_KERNEL, RIG_WIRE, &plain, &out);
	cr_assert_eq(out.length, tagged.length);
	cr_assert_arr_eq(out.bytes, tagged.bytes, tagged.length);
	pass(&rig, RIG_WIRE, RIG_KERNEL, &other, &out);
	cr_assert_arr_eq(out.bytes, other.bytes, other.length);
	pass(&rig, RIG_KERNEL, RIG_WIRE, &other, &out);
	cr_assert_arr_eq(out.bytes, other.bytes, other.length);
	rig_send(&rig, RIG_WIRE, &plain);
	cr_assert_eq(rig_drops(&rig, DROP_WRONG_VLAN, 1), 1);
	rig_stop(&rig);
}

// As net_af_packet has it: the kernel took the tag off the frame.
static void send_stripped(struct rig *rig, const struct rig_frame *frame, uint16_t vlan)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rig->pool);

	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame->length), frame->bytes, frame->length);
	mbuf->vlan_tci = vlan;
	mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	cr_assert_eq(rte_ring_enqueue(rig->ports[RIG_WIRE].in[0], mbuf), 0);
}

Test(worker, minds_a_tag_that_the_driver_took_off)
{
	struct rig rig;
	struct rig_frame frame, other, out;
	struct context *protect;
	uint8_t sealed[300];
	uint32_t length;

	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	rig_prepare(&rig, 3);
	rig.config.exception = "net_ring_k";
	rig.config.exception_interface = "lo";
	rig.config.vlan = 42;
	rig_run(&rig);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, NULL), 0);
	nexthop_learn(rig.engine->sides[SIDE_HOST].nexthops, &rig.params.host_remote.ip,
		&rig_macs[RIG_HOST]);
	usleep(2000);
	while (rig_take(&rig, RIG_HOST, &out))
		;
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	rig_rtp(sealed, 1, 1, 172);
	length = seal(protect, sealed, 172, sizeof(sealed), false);
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, sealed,
		(uint16_t)length);
	rig_udp_vlan(&other, RIG_WIRE, 7, &rig.params.wire_remote, &rig.params.wire_local, sealed,
		(uint16_t)length);
	send_stripped(&rig, &frame, 7); // another VLAN's: the kernel's, with its tag, and no media
	cr_assert(rig_receive(&rig, RIG_KERNEL, &out));
	cr_assert_eq(out.length, other.length);
	cr_assert_arr_eq(out.bytes, other.bytes, other.length);
	cr_assert_not(rig_take(&rig, RIG_HOST, &out));
	send_stripped(&rig, &frame, 42);
	cr_assert(rig_receive(&rig, RIG_HOST, &out));
	context_free(protect);
	rig_stop(&rig);
}

Test(worker, sends_little_to_the_kernel_while_media_waits)
{
	struct rig rig;
	struct rig_frame frame;
	struct worker *worker;
	struct engine_stats stats;
	uint8_t payload[60] = {1};

	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	rig_prepare(&rig, 3);
	rig.config.exception = "net_ring_k";
	rig.config.exception_interface = "lo";
	rig_run(&rig);
	worker_stop_all(&rig.engine->shared);
	worker = &rig.engine->shared.workers[0];
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, payload, 60);
	for (unsigned i = 0; i < 2 * PACKET_BURST; i++)
		rig_send(&rig, RIG_WIRE, &frame);
	rcu_thread_online();
	for (unsigned turn = 1; turn <= 2; turn++) { // the port gives whole bursts
		worker_iterate(worker);
		engine_stats_get(rig.engine, &stats);
		cr_assert_eq(stats.rx_wire, turn * PACKET_BURST);
		cr_assert_leq(stats.to_kernel, turn * PACKET_BURST / 4);
		cr_assert_geq(stats.to_kernel, turn, "not nothing");
	}
	for (unsigned turn = 0; turn < 2; turn++) // nothing waits any more
		worker_iterate(worker);
	rcu_thread_offline();
	engine_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.to_kernel, 2 * PACKET_BURST);
	cr_assert_eq(rig_drops(&rig, DROP_KERNEL_FULL, 0), 0);
	rig_stop(&rig);
}
