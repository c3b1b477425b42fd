// SPDX-License-Identifier: BSD-3-Clause
// Index estimation and the replay window, one line a case.
#include <stdlib.h>

#include <criterion/criterion.h>

#include "crypto/replay.h"
#include "tests/unit/crypto_util.h"

#define AT(roc, seq) ((uint64_t)(roc) << 16 | (seq))

Test(replay, guess)
{
	static const struct {
		uint64_t highest;
		uint16_t seq;
		uint64_t want;
	} cases[] = {
		{AT(0, 0), 0, AT(0, 0)},
		{AT(0, 0), 0xffff, AT(0, 0xffff)}, // nothing before round zero
		{AT(0, 10), 0xfff0, AT(0, 0xfff0)}, {AT(0, 0x7fff), 0xffff, AT(0, 0xffff)},
		{AT(0, 0x8000), 0, AT(0, 0)}, {AT(0, 0x8001), 0, AT(1, 0)},
		{AT(0, 0x8001), 1, AT(0, 1)}, {AT(0, 0xffff), 0, AT(1, 0)},
		{AT(0, 0xffff), 0x7ffe, AT(1, 0x7ffe)}, {AT(0, 0xffff), 0x7fff, AT(0, 0x7fff)},
		{AT(1, 0), 0xffff, AT(0, 0xffff)}, {AT(1, 0), 0x8001, AT(0, 0x8001)},
		{AT(1, 0), 0x8000, AT(1, 0x8000)}, {AT(1, 0), 1, AT(1, 1)},
		{AT(1, 0x7fff), 0xffff, AT(1, 0xffff)}, {AT(7, 0x8000), 0, AT(7, 0)},
		{AT(7, 0x9000), 0x0fff, AT(8, 0x0fff)}, {AT(7, 0x9000), 0x1000, AT(7, 0x1000)},
		{AT(0xffffffff, 0x7fff), 0xfffe, AT(0xffffffff, 0xfffe)},
		{AT(0xffffffff, 0xffff), 0, 1ull << 48}, // used up
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(
			replay_guess(cases[i].highest, cases[i].seq), cases[i].want, "case %u", i);
}

// burst.c relies on it: no guess between two highest indices that guess the same is another.
Test(replay, guess_never_falls)
{
	uint64_t rng = 5;
	for (int i = 0; i < 200000; i++) {
		uint64_t a = util_random(&rng) % AT(3, 0);
		uint64_t b = a + util_below(&rng, 0x20000);
		uint16_t seq = (uint16_t)util_random(&rng);
		cr_assert_leq(replay_guess(a, seq), replay_guess(b, seq));
	}
}

static struct replay *replay_new(unsigned window)
{
	return calloc(1, sizeof(struct replay) + replay_words(window) * 8);
}

Test(replay, words)
{
	static const struct {
		unsigned window, words;
	} cases[] = {{64, 1}, {128, 2}, {192, 4}, {256, 4}, {320, 8}, {960, 16}, {1024, 16}};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(replay_words(cases[i].window), cases[i].words);
}

Test(replay, window)
{
	enum { F = REPLAY_FRESH, O = REPLAY_OLD, D = REPLAY_DUPLICATE };
	// In order, with a window of 128; what is fresh is committed
	static const struct {
		uint64_t index;
		int want;
	} cases[] = {
		{0, F},
		{0, D},
		{1, F},
		{1, D},
		{9, F},
		{8, F},
		{7, F},
		{7, D},
		{6, F},
		{5, F},
		{4, F},
		{3, F},
		{2, F},
		{2, D},
		{0, D},
		{3, D},
		{128, F},
		{0, O},
		{1, D},
		{10, F},
		{127, F},
		{127, D},
		{128, D},
		{255, F},
		{127, O},
		{128, D},
		{129, F},
		{254, F},
		{1000, F},
		{872, O},
		{873, F},
		{999, F},
		{1000, D},
		{873, D},
		{255, O},
		// a jump by exactly the ring, and by one less and one more
		{1128, F},
		{1000, O},
		{1001, F},
		{1127, F},
		{1255, F},
		{1128, D},
		{1129, F},
		{1384, F},
		{1256, O},
		{1257, F},
		{1383, F},
		{1384, D},
		{1ull << 40, F},
		{1384, O},
		{(1ull << 40) - 127, F},
		{(1ull << 40) - 128, O},
		{REPLAY_INDEX_MAX, F},
		{REPLAY_INDEX_MAX, D},
		{REPLAY_INDEX_MAX - 127, F},
		{REPLAY_INDEX_MAX - 128, O},
	};
	struct replay *replay = replay_new(128);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int got = replay_check(replay, 128, replay_words(128), cases[i].index);
		cr_assert_eq(got, cases[i].want, "case %u: index %lu: %d", i, cases[i].index, got);
		if (got == REPLAY_FRESH)
			replay_commit(replay, replay_words(128), cases[i].index);
	}
	free(replay);
}

// Checking alone changes nothing.
Test(replay, check_is_pure)
{
	struct replay *replay = replay_new(64), before;
	replay_commit(replay, 1, 5000);
	before = *replay;
	uint64_t bits = replay->bits[0];
	for (uint64_t index = 4900; index < 5200; index++)
		replay_check(replay, 64, 1, index);
	cr_assert_eq(memcmp(&before, replay, sizeof(before)), 0);
	cr_assert_eq(bits, replay->bits[0]);
	free(replay);
}

// Against a list of all that has come, for every window.
Test(replay, any_window_like_a_list)
{
	enum { STEPS = 4000, SPAN = STEPS * 40 };
	static bool seen[SPAN];
	uint64_t rng = 1;

	for (unsigned window = 64; window <= 1024; window += 64) {
		struct replay *replay = replay_new(window);
		unsigned words = replay_words(window);
		uint64_t highest = 0;
		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < STEPS; i++) {
			uint64_t index = highest + util_below(&rng, i % 97 ? 20 : 1500);
			uint32_t back = util_below(&rng, 2) ? util_below(&rng, window + 20) : 0;
			index = index < back ? 0 : index - back;
			if (index >= SPAN)
				break;
			int want = index > highest || (highest - index < window && !seen[index])
					   ? REPLAY_FRESH
				   : highest - index >= window ? REPLAY_OLD
							       : REPLAY_DUPLICATE;
			cr_assert_eq((int)replay_check(replay, window, words, index), want,
				"window %u highest %lu index %lu", window, highest, index);
			if (want != REPLAY_FRESH)
				continue;
			replay_commit(replay, words, index);
			seen[index] = true;
			highest = index > highest ? index : highest;
			cr_assert_eq(replay->highest, highest);
		}
		free(replay);
	}
}
