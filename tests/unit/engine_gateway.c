// SPDX-License-Identifier: BSD-3-Clause
// Peers in other networks, by the wire port's gateway: asked for by ARP and neighbour discovery,
// and sent to.
#include "tests/unit/engine_rig.h"

static void start(struct rig *rig, const char *first, const char *second)
{
	rig_prepare(rig, 2);
	rig->config.wire_gateways[0] = first;
	rig->config.wire_gateways[1] = second;
	rig_run(rig);
}

// The next request for a neighbour that leaves by the wire port; whom it asks for.
static struct in6_addr asked(struct rig *rig, struct rig_frame *frame)
{
	struct in6_addr ip;
	uint32_t ipv4;

	cr_assert(rig_receive(rig, RIG_WIRE, frame));
	if (frame->bytes[12] == 8 && frame->bytes[13] == 6) {
		memcpy(&ipv4, frame->bytes + 38, 4);
		return address_from_ipv4(ipv4);
	}
	cr_assert_eq(frame->bytes[54], 135, "neither ARP nor a solicitation");
	memcpy(&ip, frame->bytes + 62, 16);
	return ip;
}

static bool same(struct in6_addr ip, const char *text)
{
	struct in6_addr other = rig_ip(text);

	return address_equal(&ip, &other);
}

static int add(struct rig *rig, const char *remote, struct session_error *error)
{
	rig->params.wire_remote = rig_addr(remote, 20002);
	return session_add(rig->engine, &rig->params, &rig->id, error);
}

// A session with a far peer: the gateway is asked for, and gets the frames.
static void expect_by(struct rig *rig, const char *remote, const char *hop)
{
	struct rig_frame frame;
	uint8_t rtp[172];
	uint32_t to_ip = address_is_ipv4(&rig->params.wire_local.ip) ? 30 : 38;
	struct in6_addr ip = rig_ip(remote);

	cr_assert_eq(add(rig, remote, NULL), 0);
	cr_assert(same(asked(rig, &frame), hop), "another hop to %s", remote);
	rig_answer(rig, RIG_WIRE, &frame);
	rig_resolve(rig);
	rig_rtp(rtp, 1, 1, 172);
	rig_udp(&frame, RIG_HOST, &rig->params.host_remote, &rig->params.host_local, rtp, 172);
	rig_send(rig, RIG_HOST, &frame);
	cr_assert(rig_receive(rig, RIG_WIRE, &frame));
	cr_assert_arr_eq(frame.bytes, &rig_macs[RIG_WIRE], 6);
	cr_assert_arr_eq(frame.bytes + to_ip, to_ip == 30 ? &ip.s6_addr[12] : ip.s6_addr,
		to_ip == 30 ? 4 : 16);
	cr_assert_eq(session_remove(rig->engine, rig->id), 0);
}

Test(gateway, ipv4)
{
	struct rig rig;

	start(&rig, "10.0.0.254", NULL);
	expect_by(&rig, "203.0.113.5", "10.0.0.254");
	expect_by(&rig, "10.0.0.7", "10.0.0.7");
	rig_stop(&rig);
}

Test(gateway, ipv6)
{
	struct rig rig;

	start(&rig, "10.0.0.254", "2001:db8::ff");
	rig_params(&rig.params, true);
	expect_by(&rig, "2001:db8:9::5", "2001:db8::ff");
	expect_by(&rig, "2001:db8::7", "2001:db8::7");
	rig_stop(&rig);
}

Test(gateway, ipv6_link_local)
{
	struct rig rig;

	start(&rig, "fe80::ff", NULL);
	rig_params(&rig.params, true);
	expect_by(&rig, "2001:db8:9::5", "fe80::ff");
	rig_stop(&rig);
}

Test(gateway, of_the_other_family_is_none)
{
	struct session_error error = {0};
	struct rig rig;

	start(&rig, "2001:db8::ff", NULL);
	cr_assert_eq(add(&rig, "203.0.113.5", &error), -EINVAL);
	cr_assert_str_eq(error.field, "wire.remote");
	rig_params(&rig.params, false);
	cr_assert_eq(add(&rig, "10.0.0.2", NULL), 0);
	rig_stop(&rig);
}
