// SPDX-License-Identifier: BSD-3-Clause
// Even rates without a division in the turns that nothing is due in, and without an error that
// grows. Any thread.
#include "engine/gen_pace.h"

#define FRACTION_BITS 24
#define SLACKS_PER_S  100

void gen_pace_init(struct gen_pace *pace, uint64_t per_s, uint64_t tsc_hz, uint64_t now)
{
	pace->interval = per_s ? (tsc_hz << FRACTION_BITS) / per_s : 0;
	pace->slack = tsc_hz / SLACKS_PER_S;
	pace->next = now;
	pace->fraction = 0;
}

static void advance(struct gen_pace *pace, uint64_t packets)
{
	unsigned __int128 at = (unsigned __int128)pace->interval * packets + pace->fraction;

	pace->next += (uint64_t)(at >> FRACTION_BITS);
	pace->fraction = (uint32_t)at & ((1u << FRACTION_BITS) - 1);
}

// How many intervals there are in some ticks.
static uint64_t intervals(const struct gen_pace *pace, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks << FRACTION_BITS) / pace->interval);
}

unsigned gen_pace_due(struct gen_pace *pace, uint64_t now, unsigned max, uint64_t *late)
{
	uint64_t due;

	if (pace->interval == 0)
		return max;
	if (now < pace->next)
		return 0;
	if (now - pace->next > pace->slack) {
		uint64_t skipped = intervals(pace, now - pace->next - pace->slack);

		advance(pace, skipped);
		*late += skipped;
	}
	due = intervals(pace, now - pace->next) + 1;
	if (due > max)
		due = max;
	advance(pace, due);
	return (unsigned)due;
}
