// SPDX-License-Identifier: BSD-3-Clause
// SRTP and SRTCP over bursts of packets of many streams (RFC 3711 section 3.3, 3.4; RFC 7714). Runs
// on a worker, which must be the only one that touches the contexts of the burst.
#pragma once

#include <stdint.h>

#include "crypto/context.h"

#define BURST_MAX  64 // packets a call
#define BURST_ROOM 24 // bytes that protect may write behind the packet (tag, index, scratch)

// One packet, from its RTP or RTCP header on; transformed in place.
struct burst_packet {
	struct context *ctx;
	uint8_t *data;
	uint32_t length; // in: bytes of the packet; out, where the status is BURST_OK: bytes after
			 // the transform
	uint32_t room;	 // bytes writable at `data`: at least length; protect: length + BURST_ROOM
};

// Why a packet was not transformed. The order is that of the checks.
#define BURST_STATUS_LIST(X)                                                                       \
	X(OK, "transformed")                                                                       \
	X(MALFORMED, "not version 2, shorter than its header and tag say, or SRTCP in clear")      \
	X(NO_ROOM, "no room behind the packet for the tag")                                        \
	X(SSRC_LIMIT, "more SSRCs than the context holds")                                         \
	X(REPLAY_OLD, "older than the replay window")                                              \
	X(REPLAY_DUPLICATE, "index seen before")                                                   \
	X(KEY_EXHAUSTED, "the master key has protected as many packets as it may")                 \
	X(AUTH_FAILED, "authentication tag does not match")                                        \
	X(INTERNAL, "the crypto back end failed")

enum burst_status {
#define X(name, help) BURST_##name,
	BURST_STATUS_LIST(X)
#undef X
		BURST_STATUS_COUNT,
};

extern const char *const burst_status_names[BURST_STATUS_COUNT]; // "auth_failed"

// Each transforms n <= BURST_MAX packets in order and writes a status for each; returns how many
// are BURST_OK. Two packets of one stream in a burst are as if they came one after the other.
// Packet bytes with another status are unspecified, never plaintext that did not authenticate;
// contexts are as if that packet had not come (but an index that protect gave to a packet stays
// used even if the back end then fails). RTP and RTCP are not mixed in one call; all contexts of a
// call have its direction.
// A packet of SRTP with the status BURST_AUTH_FAILED has the length 0, or that of before: then its
// bytes are as they came.
uint32_t burst_protect(struct burst_packet packets[], uint8_t status[], uint32_t n);
uint32_t burst_unprotect(struct burst_packet packets[], uint8_t status[], uint32_t n);
uint32_t burst_protect_rtcp(struct burst_packet packets[], uint8_t status[], uint32_t n);
uint32_t burst_unprotect_rtcp(struct burst_packet packets[], uint8_t status[], uint32_t n);

// How many of the packets of SRTP that fail to authenticate on this thread from now on are kept as
// they came, if the back end can: to look into why (crypto/trial.h). It costs about another
// transform each. None without.
void burst_keep_failed(uint32_t packets);
