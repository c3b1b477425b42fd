// SPDX-License-Identifier: BSD-3-Clause
// Media through a whole engine, in both directions.
#pragma once

#include "tests/unit/engine_rig.h"

// What a frame from the engine must look like; returns its payload.
static inline uint8_t *check_udp(struct rig_frame *f, int port, const struct session_addr *src,
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

static inline uint32_t seal(
	struct context *ctx, uint8_t *data, uint32_t length, uint32_t room, bool rtcp)
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

static inline uint32_t open_sealed(struct context *ctx, uint8_t *data, uint32_t length, bool rtcp)
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
static inline void from_wire(
	struct rig *rig, struct context *far, uint16_t first, unsigned n, bool rtcp)
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

static inline void from_host(
	struct rig *rig, struct context *far, uint16_t first, unsigned n, bool rtcp)
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
