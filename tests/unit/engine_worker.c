// SPDX-License-Identifier: BSD-3-Clause
// Media from port to port: forwarded, dropped, changed in a call.
#include "tests/unit/engine_media.h"

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
