// SPDX-License-Identifier: BSD-3-Clause
// The inside of a context, for context.c, burst.c and the back ends only. Written by context_init()
// on the control thread, then by the context's worker.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/context.h"
#include "crypto/replay.h"

#define STATE_LINE	  64
#define STATE_RTCP_WINDOW 128 // packets, as in libsrtp2
#define STATE_RTCP_WORDS  (STATE_RTCP_WINDOW / 64)
#define STATE_RTP_LIMIT	  (1ull << 48) // packets a master key may protect, RFC 3711 section 9.2
#define STATE_RTCP_LIMIT  (1ull << 31)

struct backend;
struct backend_suite;

// In memory, each part beginning on the offset noted:
//   0          this struct: a line that is only read, then the counts
//   + sizeof   SSRCs in use, 4 bytes each, padded to 8; then replay state of each: with the default
//              window, the counts, 4 SSRCs and the state of the first are one line
//   keys_at    the back end's SRTP keys; a line begins here
//   rtcp_at    replay state for SRTCP of each SSRC, then the back end's SRTCP keys: rarely touched
struct context {
	// Line 0, read only once the context is made
	const struct backend_suite *transforms;
	const struct backend *backend;
	uint8_t salt[16]; // session salt of SRTP, zeros behind it
	uint8_t suite;
	uint8_t direction;
	uint8_t tag_bytes;
	uint8_t rtcp_tag_bytes;
	uint16_t window;
	uint16_t words; // replay_words(window)
	uint16_t ssrc_max;
	uint16_t replay_at;
	uint16_t replay_bytes; // of one SSRC
	uint32_t keys_at;
	uint32_t rtcp_at;
	uint32_t rtcp_keys_at;
	uint32_t size; // of the whole context

	// Line 1, written with every packet
	uint64_t rtp_count __attribute__((aligned(STATE_LINE))); // packets done with the key
	uint32_t rtcp_count;
	uint16_t ssrc_count;
	uint8_t unknown_pending; // a packet of a new SSRC is under way in this burst
	uint8_t unused;
	uint32_t ssrcs[];
};

static_assert(offsetof(struct context, rtp_count) == STATE_LINE, "the read-only part is one line");
static_assert(offsetof(struct context, ssrcs) == STATE_LINE + 16, "counts are 16 bytes");
static_assert(
	STATE_LINE + 16 + 4 * sizeof(uint32_t) + sizeof(struct replay) + 128 / 8 == 2 * STATE_LINE,
	"counts, 4 SSRCs and the first window of 128 share a line");

static inline struct replay *state_replay(const struct context *ctx, int slot)
{
	return (struct replay *)((uint8_t *)ctx + ctx->replay_at + slot * ctx->replay_bytes);
}

static inline struct replay *state_rtcp_replay(const struct context *ctx, int slot)
{
	return (struct replay *)((uint8_t *)ctx + ctx->rtcp_at +
				 slot * (sizeof(struct replay) +
						STATE_RTCP_WORDS * sizeof(uint64_t)));
}

static inline void *state_keys(const struct context *ctx)
{
	return (uint8_t *)ctx + ctx->keys_at;
}

static inline void *state_rtcp_keys(const struct context *ctx)
{
	return (uint8_t *)ctx + ctx->rtcp_keys_at;
}

static inline bool state_is_gcm(const struct context *ctx)
{
	return ctx->suite == SUITE_AEAD_AES_128_GCM || ctx->suite == SUITE_AEAD_AES_256_GCM;
}

// The place of an SSRC, or -1.
static inline int state_find(const struct context *ctx, uint32_t ssrc)
{
	for (int i = 0; i < ctx->ssrc_count; i++)
		if (ctx->ssrcs[i] == ssrc)
			return i;
	return -1;
}

// Takes the next place; there must be one free.
static inline int state_add(struct context *ctx, uint32_t ssrc)
{
	ctx->ssrcs[ctx->ssrc_count] = ssrc;
	return ctx->ssrc_count++;
}
