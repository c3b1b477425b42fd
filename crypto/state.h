// SPDX-License-Identifier: BSD-3-Clause
// The inside of a context, for context.c, burst.c and the back ends only. Written by context_init()
// on the control thread, then by the context's worker.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/backend.h"
#include "crypto/context.h"
#include "crypto/replay.h"

#define STATE_LINE	  64
#define STATE_RTCP_WINDOW 128 // packets, as in libsrtp2
#define STATE_RTCP_WORDS  (STATE_RTCP_WINDOW / 64)
#define STATE_RTP_LIMIT	  (1ull << 48) // packets a master key may protect, RFC 3711 section 9.2
#define STATE_RTCP_LIMIT  (1ull << 31)

// In memory, each part beginning on the offset noted:
//   0             this struct with the replay state of the first SSRC: with the default window, one
//                 line, and all that a packet of SRTP needs besides its keys
//   keys_line     (in lines) the back end's SRTP keys
//   ... + keys    struct state_cold; then replay state of the other SSRCs, replay state for SRTCP
//                 of each SSRC, the back end's SRTCP keys: rarely touched
struct context {
	uint8_t salt[14]; // session salt of SRTP, zeros behind it
	uint8_t suite;
	uint8_t direction;
	uint64_t rtp_count; // packets done with the key
	uint8_t ssrc_count;
	uint8_t ssrc_room;	 // SSRCs that have a place, in the context and its extension
	uint8_t ssrc_inline;	 // in the context alone
	uint8_t unknown_pending; // a packet of a new SSRC is under way in this burst
	uint8_t words;		 // of each window, replay_words()
	uint8_t window_words;	 // of 64 packets, the window itself
	uint8_t backend;
	uint8_t keys_line;
	struct replay first;
};
static_assert(offsetof(struct context, first) == 32, "what comes before the first window");
static_assert(sizeof(struct context) + 128 / 8 == STATE_LINE, "the default window fits the line");

struct state_cold {
	uint8_t *extension; // replay states of more SSRCs, SRTP and SRTCP; NULL: none
	uint32_t size;	    // of the whole context
	uint32_t rtcp_count;
};

extern const struct backend *const state_backends[];

static inline const struct backend_suite *state_transforms(const struct context *ctx)
{
	return &state_backends[ctx->backend]->suites[ctx->suite];
}

static inline unsigned state_window(const struct context *ctx)
{
	return ctx->window_words * 64u;
}

static inline void *state_keys(const struct context *ctx)
{
	return (uint8_t *)ctx + ctx->keys_line * STATE_LINE;
}

static inline struct state_cold *state_cold(const struct context *ctx)
{
	return (struct state_cold *)((uint8_t *)state_keys(ctx) + state_transforms(ctx)->key_bytes);
}

// Bytes of one SSRC's replay state.
static inline size_t state_replay_bytes(const struct context *ctx)
{
	return sizeof(struct replay) + ctx->words * sizeof(uint64_t);
}

#define STATE_RTCP_REPLAY_BYTES (sizeof(struct replay) + STATE_RTCP_WORDS * sizeof(uint64_t))

static inline struct replay *state_replay(const struct context *ctx, unsigned slot)
{
	uint8_t *others = (uint8_t *)(state_cold(ctx) + 1);

	if (slot == 0)
		return (struct replay *)&ctx->first;
	if (slot >= ctx->ssrc_inline) {
		slot -= ctx->ssrc_inline;
		others = state_cold(ctx)->extension;
	} else {
		slot--;
	}
	return (struct replay *)(others + slot * state_replay_bytes(ctx));
}

static inline struct replay *state_rtcp_replay(const struct context *ctx, unsigned slot)
{
	uint8_t *at = (uint8_t *)(state_cold(ctx) + 1) +
		      (ctx->ssrc_inline - 1u) * state_replay_bytes(ctx);

	if (slot >= ctx->ssrc_inline) {
		slot -= ctx->ssrc_inline;
		at = state_cold(ctx)->extension +
		     (ctx->ssrc_room - ctx->ssrc_inline) * state_replay_bytes(ctx);
	}
	return (struct replay *)(at + slot * STATE_RTCP_REPLAY_BYTES);
}

static inline void *state_rtcp_keys(const struct context *ctx)
{
	return (uint8_t *)(state_cold(ctx) + 1) +
	       (ctx->ssrc_inline - 1u) * state_replay_bytes(ctx) +
	       ctx->ssrc_inline * STATE_RTCP_REPLAY_BYTES;
}

static inline bool state_is_gcm(const struct context *ctx)
{
	return ctx->suite == SUITE_AEAD_AES_128_GCM || ctx->suite == SUITE_AEAD_AES_256_GCM;
}

// The place of an SSRC, or -1.
static inline int state_find(const struct context *ctx, uint32_t ssrc)
{
	if (__builtin_expect(ctx->ssrc_count > 0 && ctx->first.ssrc == ssrc, 1))
		return 0;
	for (int i = 1; i < ctx->ssrc_count; i++)
		if (state_replay(ctx, (unsigned)i)->ssrc == ssrc)
			return i;
	return -1;
}

// Bytes of a packet of SRTP that stay in clear: the header of RTP with its CSRC list and extension
// (RFC 3550 section 5.1). 0: malformed.
static inline uint32_t state_rtp_clear(const uint8_t *data, uint32_t length)
{
	if (length < 12 || data[0] >> 6 != 2)
		return 0;
	uint32_t clear = 12 + 4u * (data[0] & 0x0f);
	if (data[0] & 0x10) {
		if (length < clear + 4)
			return 0;
		clear += 4 + 4 * ((uint32_t)data[clear + 2] << 8 | data[clear + 3]);
	}
	return clear <= length ? clear : 0;
}

// Whether a new SSRC has a place, or may get one by context_on_full().
bool state_may_add(const struct context *ctx);
// Takes the next place: its number, or -1 when there is none.
int state_add(struct context *ctx, uint32_t ssrc);
