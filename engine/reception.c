// SPDX-License-Identifier: BSD-3-Clause
// Reception statistics as in RFC 3550 appendices A.1, A.3 and A.8; written on workers.
#include "engine/reception.h"

#include <arpa/inet.h>
#include <string.h>

#define DROPOUT_MAX  3000
#define MISORDER_MAX 100

uint32_t reception_clock_hz(uint8_t payload_type)
{
	switch (payload_type) {
	case 6:
		return 16000;
	case 10:
	case 11:
		return 44100;
	case 16:
		return 11025;
	case 17:
		return 22050;
	case 14:
	case 25:
	case 26:
	case 28:
	case 31 ... 34:
		return 90000;
	default:
		return 8000;
	}
}

int64_t reception_lost(const struct reception *r)
{
	uint32_t received = __atomic_load_n(&r->received, __ATOMIC_RELAXED);

	if (received == 0)
		return r->lost_before;
	return r->lost_before + (int64_t)(r->highest - r->base) + 1 - received;
}

double reception_jitter_us(const struct reception *r)
{
	return r->clock_hz ? r->jitter / 16.0 * 1e6 / r->clock_hz : 0;
}

static void restart(struct reception *r, uint32_t ssrc, uint16_t seq)
{
	r->lost_before = reception_lost(r);
	r->ssrc = ssrc;
	r->base = seq;
	r->highest = seq;
	r->received = 0;
	r->jumped = 0;
	r->jitter = 0;
	r->timed = 0;
}

// Extends the sequence number (A.1). False: a jump that the next packet has to confirm.
static int count_seq(struct reception *r, uint32_t ssrc, uint16_t seq)
{
	uint16_t ahead = (uint16_t)(seq - (uint16_t)r->highest);

	if (r->received == 0 || r->ssrc != ssrc) {
		restart(r, ssrc, seq);
	} else if (ahead != 0 && ahead < DROPOUT_MAX) {
		r->highest += ahead;
		r->jumped = 0;
	} else if (ahead != 0 && ahead <= UINT16_MAX - MISORDER_MAX) {
		if (!r->jumped || seq != r->jump_next) {
			r->jumped = 1;
			r->jump_next = (uint16_t)(seq + 1);
			return 0;
		}
		restart(r, ssrc, seq);
	} else {
		counter_add(&r->out_of_order, 1);
	}
	__atomic_store_n(&r->received, r->received + 1, __ATOMIC_RELAXED);
	return 1;
}

static void count_jitter(struct reception *r, uint32_t timestamp, uint64_t now)
{
	uint32_t arrival = (uint32_t)((unsigned __int128)now * r->clock_hz >> 32);
	uint32_t transit = arrival - timestamp;
	int32_t d = (int32_t)(transit - r->transit);

	if (r->timed) {
		if (d < 0)
			d = -d;
		r->jitter += (uint32_t)d - ((r->jitter + 8) >> 4);
	}
	r->transit = transit;
	r->timed = 1;
}

// Between clocks there is no transit time to compare.
static void set_payload_type(struct reception *r, uint8_t payload_type)
{
	uint32_t clock_hz = reception_clock_hz(payload_type);

	if (clock_hz != r->clock_hz) {
		r->timed = 0;
		r->jitter = 0;
	}
	r->payload_type = payload_type;
	r->clock_hz = clock_hz;
}

void reception_count(struct reception *r, const uint8_t *rtp, uint64_t now)
{
	uint32_t ssrc, timestamp;
	uint16_t seq = (uint16_t)(rtp[2] << 8 | rtp[3]);

	memcpy(&timestamp, rtp + 4, 4);
	memcpy(&ssrc, rtp + 8, 4);
	if (r->clock_hz == 0 || r->payload_type != (rtp[1] & 127))
		set_payload_type(r, rtp[1] & 127);
	if (count_seq(r, ntohl(ssrc), seq))
		count_jitter(r, ntohl(timestamp), now);
}
