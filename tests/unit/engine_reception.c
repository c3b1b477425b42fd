// SPDX-License-Identifier: BSD-3-Clause
// Loss, order and jitter as in RFC 3550, appendix A.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "engine/reception.h"

#define HZ 1000000000ull

static uint64_t now;

static void packet(struct reception *r, uint32_t ssrc, uint16_t seq, uint32_t timestamp)
{
	const uint8_t rtp[12] = {0x80, 0, (uint8_t)(seq >> 8), (uint8_t)seq,
		(uint8_t)(timestamp >> 24), (uint8_t)(timestamp >> 16), (uint8_t)(timestamp >> 8),
		(uint8_t)timestamp, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16),
		(uint8_t)(ssrc >> 8), (uint8_t)ssrc};

	reception_count(r, rtp, reception_clock(now, HZ));
}

// n packets, 20 ms apart.
static void run(struct reception *r, uint32_t ssrc, uint16_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		now += HZ / 50;
		packet(r, ssrc, (uint16_t)(first + i), (uint32_t)(first + i) * 160);
	}
}

Test(reception, counts_loss_over_a_wrap)
{
	struct reception r = {0};

	cr_assert_eq(reception_lost(&r), 0);
	run(&r, 1, 65000, 1000);
	cr_assert_eq(reception_lost(&r), 0);
	cr_assert_eq(r.highest - r.base, 999);
	run(&r, 1, 474, 10); // 464 to 473 are missing
	cr_assert_eq(reception_lost(&r), 10);
	run(&r, 1, 464, 4); // four of them come late
	cr_assert_eq(reception_lost(&r), 6);
	cr_assert_eq(r.out_of_order, 4);
}

Test(reception, duplicates_count_against_loss)
{
	struct reception r = {0};

	run(&r, 1, 10, 5);
	run(&r, 1, 14, 1);
	cr_assert_eq(reception_lost(&r), -1, "RFC 3550 section 6.4.1");
}

Test(reception, believes_a_jump_the_second_time)
{
	struct reception r = {0};

	run(&r, 1, 10, 5);
	packet(&r, 1, 30000, 0); // alone it may be anything
	cr_assert_eq(r.highest, 14);
	run(&r, 1, 15, 5);
	cr_assert_eq(reception_lost(&r), 0);
	run(&r, 1, 40000, 10);
	cr_assert_eq((uint16_t)r.highest, 40009);
	cr_assert_eq(reception_lost(&r), 0, "a restarted sender has lost nothing");
}

Test(reception, sums_over_sources)
{
	struct reception r = {0};

	run(&r, 1, 100, 5);
	run(&r, 1, 107, 5);
	run(&r, 2, 9, 5);
	run(&r, 2, 15, 5);
	cr_assert_eq(r.ssrc, 2);
	cr_assert_eq(reception_lost(&r), 3);
}

Test(reception, jitter)
{
	struct reception r = {0};

	run(&r, 1, 1, 500);
	cr_assert_lt(reception_jitter_us(&r), 130, "on time, but for the rounding of the clock");
	for (unsigned i = 0; i < 500; i++) { // alternately 5 ms late
		now += HZ / 50;
		now += i % 2 ? HZ / 200 : 0;
		packet(&r, 1, (uint16_t)(501 + i), (501 + i) * 160);
		now -= i % 2 ? HZ / 200 : 0;
	}
	cr_assert_float_eq(reception_jitter_us(&r), 5000, 250);
}

Test(reception, clocks_of_payload_types)
{
	cr_assert_eq(reception_clock_hz(0), 8000);
	cr_assert_eq(reception_clock_hz(9), 8000, "G.722, RFC 3551 section 4.5.2");
	cr_assert_eq(reception_clock_hz(11), 44100);
	cr_assert_eq(reception_clock_hz(34), 90000);
	cr_assert_eq(reception_clock_hz(111), 8000);
}
