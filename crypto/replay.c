// SPDX-License-Identifier: BSD-3-Clause
// The rare part of the replay window: a jump over packets that have not come; the context's worker.
#include "crypto/replay.h"

#include <string.h>

void replay_advance(struct replay *replay, unsigned words, uint64_t index)
{
	uint64_t first = replay->highest + 1;
	replay->highest = index;
	if (index - first >= words * 64) {
		memset(replay->bits, 0, words * sizeof(replay->bits[0]));
		return;
	}
	// Their places in the ring still hold the bits of indices a whole ring below
	for (uint64_t i = first; i < index;) {
		unsigned bit = i % 64;
		uint64_t count = index - i < 64 - bit ? index - i : 64 - bit;
		uint64_t mask = count == 64 ? ~0ull : ((1ull << count) - 1) << bit;
		replay->bits[i / 64 & (words - 1)] &= ~mask;
		i += count;
	}
}
