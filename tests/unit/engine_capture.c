// SPDX-License-Identifier: BSD-3-Clause
// Captured packets between worker and writer: which are wanted, what is forgotten, what is lost.
#include "engine/capture_lane.h"

#include "engine/rcu.h"
#include "tests/unit/engine_rig.h"

static struct rte_mempool *pool;
static struct capture_tap tap;

static void init(void)
{
	rig_eal();
	pool = rte_pktmbuf_pool_create("test", 63, 0, 0, 2176, 0);
	cr_assert_not_null(pool);
}

TestSuite(capture_lane, .init = init);

static struct rte_mbuf *new_mbuf(
	const struct session_addr *src, const struct session_addr *dst, uint16_t length)
{
	uint8_t payload[1500];
	struct rig_frame frame;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	memset(payload, 7, sizeof(payload));
	rig_udp(&frame, RIG_WIRE, src, dst, payload, length);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame.length), frame.bytes, frame.length);
	return mbuf;
}

static unsigned copied(unsigned worker, enum worker_role role, bool out, struct rte_mbuf *mbuf)
{
	uint64_t which = capture_lane_copy(&tap, worker, role, out, &mbuf, 1);

	capture_lane_publish(&tap, worker, (unsigned)which);
	return (unsigned)which;
}

Test(capture_lane, takes_no_more_when_it_is_full)
{
	const struct session_addr a = rig_addr("10.0.0.1", 1), b = rig_addr("10.0.0.2", 2);
	struct rte_mbuf *mbuf = new_mbuf(&a, &b, 1000);
	const struct capture_slot *slot;
	unsigned lane;

	cr_assert_eq(capture_lane_init(&tap, 2, 100), 0);
	for (unsigned i = 0; i < CAPTURE_SLOTS; i++)
		cr_assert_eq(copied(1, ROLE_WIRE, false, mbuf), 1);
	cr_assert_eq(copied(1, ROLE_WIRE, false, mbuf), 0);
	cr_assert_eq(copied(1, ROLE_WIRE, false, mbuf), 0);
	cr_assert_eq(capture_lane_dropped(&tap), 2);
	cr_assert_eq(copied(0, ROLE_HOST, true, mbuf), 1, "the other worker's is not full");
	for (unsigned i = 0; i < CAPTURE_SLOTS; i++) {
		slot = capture_lane_first(&tap, &lane);
		cr_assert_eq(lane, 1, "the older ones first");
		cr_assert_eq(slot->length, 1042);
		cr_assert_eq(slot->stored, 100);
		capture_lane_done(&tap, lane);
	}
	slot = capture_lane_first(&tap, &lane);
	cr_assert(lane == 0 && slot->role == ROLE_HOST && slot->out);
	cr_assert_eq(copied(1, ROLE_WIRE, false, mbuf), 1, "there is room again");
	capture_lane_done(&tap, 0);
	capture_lane_done(&tap, 1);
	cr_assert_null(capture_lane_first(&tap, &lane));
	capture_lane_fini(&tap);
}

Test(capture_lane, what_was_not_sent_is_forgotten)
{
	const struct session_addr a = rig_addr("10.0.0.1", 1), b = rig_addr("10.0.0.2", 2);
	struct rte_mbuf *mbufs[4];
	unsigned lane;

	for (uint16_t i = 0; i < 4; i++)
		mbufs[i] = new_mbuf(&a, &b, (uint16_t)(100 + i));
	cr_assert_eq(capture_lane_init(&tap, 1, CAPTURE_SNAPLEN_MAX), 0);
	cr_assert_eq(capture_lane_copy(&tap, 0, ROLE_WIRE, true, mbufs, 4), 0xf);
	capture_lane_publish(&tap, 0, 2);
	cr_assert_eq(capture_lane_copy(&tap, 0, ROLE_WIRE, true, mbufs + 3, 1), 1);
	capture_lane_publish(&tap, 0, 1);
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned lengths[] = {142, 143, 145};
		const struct capture_slot *slot = capture_lane_first(&tap, &lane);

		cr_assert_not_null(slot);
		cr_assert_eq(slot->length, lengths[i]);
		cr_assert_eq(slot->stored, lengths[i]);
		cr_assert_arr_eq(
			slot->data, rte_pktmbuf_mtod(mbufs[i == 2 ? 3 : i], void *), lengths[i]);
		capture_lane_done(&tap, lane);
	}
	cr_assert_null(capture_lane_first(&tap, &lane));
	capture_lane_fini(&tap);
}

Test(capture_lane, a_sessions_packets_alone)
{
	static const struct {
		const char *src, *dst;
		uint16_t src_port, dst_port;
		enum worker_role role;
		bool out, wanted;
	} cases[] = {
		{"10.0.0.2", "10.0.0.1", 20002, 20000, ROLE_WIRE, false, true},
		{"10.0.0.1", "10.0.0.2", 20000, 20002, ROLE_WIRE, true, true},
		{"10.0.0.2", "10.0.0.1", 20002, 20000, ROLE_WIRE, true, false},
		{"10.0.0.3", "10.0.0.1", 20002, 20000, ROLE_WIRE, false, false},
		{"10.0.0.2", "10.0.0.1", 20003, 20000, ROLE_WIRE, false, false},
		{"10.0.0.2", "10.0.0.1", 20002, 20001, ROLE_WIRE, false, false},
		{"192.168.50.2", "192.168.50.1", 555, 30000, ROLE_HOST, false, true},
		{"192.168.50.2", "192.168.50.1", 555, 30001, ROLE_HOST, false, true},
		{"192.168.50.2", "192.168.50.1", 555, 30002, ROLE_HOST, false, false},
		{"192.168.50.2", "192.168.50.1", 555, 29999, ROLE_HOST, false, false},
		{"192.168.50.1", "192.168.50.2", 30001, 40001, ROLE_HOST, true, true},
		{"192.168.50.1", "192.168.50.2", 30000, 40002, ROLE_HOST, true, false},
	};
	const struct capture_match match = {
		.sides = {{rig_ip("10.0.0.1"), rig_ip("10.0.0.2"), 20000, 20002},
			{rig_ip("192.168.50.1"), rig_ip("192.168.50.2"), 30000, 40000}}};

	cr_assert_eq(capture_lane_init(&tap, 1, 64), 0);
	tap.match = &match;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct session_addr src = rig_addr(cases[i].src, cases[i].src_port),
					  dst = rig_addr(cases[i].dst, cases[i].dst_port);

		cr_expect_eq(copied(0, cases[i].role, cases[i].out, new_mbuf(&src, &dst, 50)),
			cases[i].wanted, "case %zu", i);
	}
	capture_lane_fini(&tap);
}
