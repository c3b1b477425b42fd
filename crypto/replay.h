// SPDX-License-Identifier: BSD-3-Clause
// Packet index estimation and replay window of one SSRC (RFC 3711 section 3.3.1, 3.3.2, appendix
// A). Checking and committing are apart, so that nothing changes before a packet authenticates. The
// context's worker.
#pragma once

#include <stdint.h>

#define REPLAY_WINDOW_MIN 64
#define REPLAY_WINDOW_MAX 1024
#define REPLAY_INDEX_MAX  ((1ull << 48) - 1)

// The bits are a ring: that of index i is bit i modulo the ring's size, which is the window rounded
// up to a power of two. All zero is the state before the first packet.
struct replay {
	uint64_t highest; // index: rollover counter * 2^16 + sequence number
	uint32_t ssrc;	  // whose it is
	uint32_t pending; // what the highest index grows by if all packets under way authenticate
	uint64_t bits[];
};

enum replay_verdict { REPLAY_FRESH, REPLAY_OLD, REPLAY_DUPLICATE };

// 64-bit words in the ring of a window (packets, REPLAY_WINDOW_MIN to REPLAY_WINDOW_MAX).
static inline unsigned replay_words(unsigned window)
{
	unsigned words = 1;
	while (words * 64 < window)
		words *= 2;
	return words;
}

// The index that a sequence number most likely stands for, given the highest index so far. Never
// falls when `highest` grows. Past REPLAY_INDEX_MAX when the rollover counter is used up. A stream
// in its first half round (index up to 2^15) has no round before it.
static inline uint64_t replay_guess(uint64_t highest, uint16_t seq)
{
	uint64_t roc = highest >> 16;
	uint32_t last = highest & 0xffff;
	if (highest <= 0x8000)
		return seq;
	if (last < 0x8000)
		roc -= seq > last + 0x8000;
	else
		roc += seq < last - 0x8000;
	return roc << 16 | seq;
}

// Whether an index may still come. `words` is replay_words(window).
static inline enum replay_verdict replay_check(
	const struct replay *replay, unsigned window, unsigned words, uint64_t index)
{
	if (index > replay->highest)
		return REPLAY_FRESH;
	if (replay->highest - index >= window)
		return REPLAY_OLD;
	return replay->bits[index / 64 & (words - 1)] >> index % 64 & 1 ? REPLAY_DUPLICATE
									: REPLAY_FRESH;
}

// Moves the window on to a new highest index, past others that have not come.
void replay_advance(struct replay *replay, unsigned words, uint64_t index);

// Notes that the packet of that index, checked before, has come.
static inline void replay_commit(struct replay *replay, unsigned words, uint64_t index)
{
	if (index == replay->highest + 1)
		replay->highest = index;
	else if (index > replay->highest)
		replay_advance(replay, words, index);
	replay->bits[index / 64 & (words - 1)] |= 1ull << index % 64;
}
