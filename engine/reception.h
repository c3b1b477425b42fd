// SPDX-License-Identifier: BSD-3-Clause
// Loss, order and jitter of the RTP packets of a stream (RFC 3550 appendix A). The stream's owner
// writes, the control thread reads.
#pragma once

#include <stdint.h>

// Counters have one writer; the atomic store makes them readable at any time.
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

struct reception {
	uint64_t out_of_order;
	int64_t lost_before; // of earlier sources and before jumps

	// Half a cache line that each packet writes
	uint32_t ssrc;	   // whose the fields here are
	uint32_t received; // of this source; 0: none yet
	uint32_t base;	   // extended sequence numbers
	uint32_t highest;
	uint32_t transit; // RTP clock units
	uint32_t jitter;  // times 16
	uint32_t clock_hz;
	uint16_t jump_next; // a jump is believed if this number follows
	uint8_t jumped : 1;
	uint8_t timed : 1; // `transit` is of this source and clock
	uint8_t payload_type;
};

// A time of the TSC in seconds times 2^32: once a burst, so that there is no division a packet.
static inline uint64_t reception_clock(uint64_t tsc, uint64_t tsc_hz)
{
	return (uint64_t)(((unsigned __int128)tsc << 32) / tsc_hz);
}

// Counts an RTP packet (12 bytes of its header are there) that arrived at `now`
// (reception_clock()).
void reception_count(struct reception *r, const uint8_t *rtp, uint64_t now);

// RFC 3550 section 6.4.1, over all sources: negative when duplicates came.
int64_t reception_lost(const struct reception *r);
double reception_jitter_us(const struct reception *r);

// The RTP clock of a static payload type (RFC 3551 section 6); 8,000 if it is not static.
uint32_t reception_clock_hz(uint8_t payload_type);
