// SPDX-License-Identifier: BSD-3-Clause
// Tells the protocols that share a media port by the first bytes (RFC 7983, RFC 5761); workers.
#pragma once

#include <stdint.h>

enum demux_kind {
	DEMUX_RTP,
	DEMUX_RTCP,
	DEMUX_STUN,
	DEMUX_DTLS,
	DEMUX_OTHER, // ZRTP, TURN channels and what nobody has a use for
};

// `length` bytes of UDP payload. RTCP is told by its packet type, 192 to 223 (RFC 5761 section 4).
static inline enum demux_kind demux_classify(const uint8_t *payload, uint32_t length)
{
	if (length < 2)
		return DEMUX_OTHER;
	if (payload[0] >= 128 && payload[0] <= 191)
		return payload[1] >= 192 && payload[1] <= 223 ? DEMUX_RTCP : DEMUX_RTP;
	if (payload[0] <= 3)
		return DEMUX_STUN;
	if (payload[0] >= 20 && payload[0] <= 63)
		return DEMUX_DTLS;
	return DEMUX_OTHER;
}
