// SPDX-License-Identifier: BSD-3-Clause
// When packets are due that leave at an even rate: arithmetic of the TSC. Any thread.
#pragma once

#include <stdint.h>

struct gen_pace {
	uint64_t interval; // between two packets, in ticks times 2^24; 0: one is always due
	uint64_t slack;	   // ticks that a packet may be late and still be sent
	uint64_t next;	   // when the next one is due, TSC
	uint32_t fraction; // and 2^-24 of a tick more
};

// From `now` on, `per_s` packets a second; 0: as many as go.
void gen_pace_init(struct gen_pace *pace, uint64_t per_s, uint64_t tsc_hz, uint64_t now);

// How many are due at `now`, `max` at most: they are taken to be sent. What is due for more than
// the slack is given up, never sent in a rush: added to *late.
unsigned gen_pace_due(struct gen_pace *pace, uint64_t now, unsigned max, uint64_t *late);
