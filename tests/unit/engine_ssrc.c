// SPDX-License-Identifier: BSD-3-Clause
// Streams of more than one SSRC: they take a spare block, and give it back.
#include "tests/unit/engine_rig.h"

#define LENGTH 172

// Sends an RTP packet of the application and tells whether it came out as SRTP.
static bool passes(struct rig *rig, uint32_t ssrc, uint16_t seq)
{
	struct rig_frame frame;
	uint8_t rtp[LENGTH];

	rig_rtp(rtp, ssrc, seq, LENGTH);
	rig_udp(&frame, RIG_HOST, &rig->params.host_remote, &rig->params.host_local, rtp, LENGTH);
	rig_send(rig, RIG_HOST, &frame);
	for (int i = 0; i < 500; i++) {
		if (rig_take(rig, RIG_WIRE, &frame))
			return frame.length == 42 + LENGTH + 16;
		rig_pump(rig);
	}
	return false;
}

Test(ssrc, sixteen_pass_and_no_more)
{
	struct rig rig;
	struct engine_stats before, after;

	rig_start(&rig);
	engine_stats_get(rig.engine, &before);
	rig_add(&rig);
	for (uint32_t ssrc = 1; ssrc <= 16; ssrc++)
		for (uint16_t seq = 1; seq <= 3; seq++)
			cr_assert(passes(&rig, ssrc, seq), "SSRC %u", ssrc);
	cr_assert_not(passes(&rig, 17, 1));
	cr_assert_eq(rig_drops(&rig, DROP_SSRC_LIMIT, 1), 1);
	cr_assert(passes(&rig, 1, 4));

	cr_assert_eq(session_remove(rig.engine, rig.id), 0);
	for (int i = 0; i < 300; i++)
		rig_pump(&rig);
	engine_stats_get(rig.engine, &after);
	cr_assert_eq(after.memory_used, before.memory_used);
	rig_stop(&rig);
}

Test(ssrc, one_where_the_option_says_so)
{
	struct rig rig;

	rig_prepare(&rig, 2);
	rig.config.ssrc_max = 1;
	rig_run(&rig);
	rig_add(&rig);
	cr_assert(passes(&rig, 1, 1));
	cr_assert_not(passes(&rig, 2, 1));
	cr_assert_eq(rig_drops(&rig, DROP_SSRC_LIMIT, 1), 1);
	rig_stop(&rig);
}

// A second one has its place whatever the replay window takes, and no third.
static void two_pass(uint16_t window)
{
	struct rig rig;

	rig_prepare(&rig, 2);
	rig.config.ssrc_max = 2;
	rig_run(&rig);
	rig.params.window = window;
	rig_add(&rig);
	for (uint16_t seq = 1; seq <= 3; seq++)
		for (uint32_t ssrc = 1; ssrc <= 2; ssrc++)
			cr_assert(passes(&rig, ssrc, seq), "SSRC %u", ssrc);
	cr_assert_not(passes(&rig, 3, 1));
	cr_assert_eq(rig_drops(&rig, DROP_SSRC_LIMIT, 1), 1);
	rig_stop(&rig);
}

Test(ssrc, two_with_the_default_window)
{
	two_pass(0);
}

Test(ssrc, two_with_the_widest_window)
{
	two_pass(1024);
}
