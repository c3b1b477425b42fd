// SPDX-License-Identifier: BSD-3-Clause
// What else a worker does: hands over to others, tags the wire, answers as a neighbour, passes the
// rest to the kernel.
#include "engine/rcu.h"
#include "tests/unit/engine_media.h"

Test(worker_ways, hands_over_to_the_owner)
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

Test(worker_ways, tags_the_wire)
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

Test(worker_ways, answers_arp_and_ping)
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

Test(worker_ways, passes_the_rest_to_the_kernel_unchanged)
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

Test(worker_ways, keeps_the_kernel_in_its_vlan)
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

Test(worker_ways, minds_a_tag_that_the_driver_took_off)
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

Test(worker_ways, sends_little_to_the_kernel_while_media_waits)
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
