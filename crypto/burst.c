// SPDX-License-Identifier: BSD-3-Clause
// The part of SRTP that all back ends share: parse, find the SSRC, guess the index, check replay
// and limits, have the back end transform, commit. Runs on the worker that owns the contexts.
#include "crypto/burst.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/backend.h"
#include "crypto/state.h"

#define RTCP_HEADER    8
#define RTCP_INDEX     4		    // the E flag and the index behind the packet
#define LENGTH_MAX     (65535 - BURST_ROOM) // more than UDP carries; ipsec-mb hashes 16 bits of length
#define RTCP_INDEX_MAX 0x7fffffffu

const char *const burst_status_names[BURST_STATUS_COUNT] = {
	[BURST_OK] = "ok",
	[BURST_MALFORMED] = "malformed",
	[BURST_NO_ROOM] = "no_room",
	[BURST_SSRC_LIMIT] = "ssrc_limit",
	[BURST_REPLAY_OLD] = "replay_old",
	[BURST_REPLAY_DUPLICATE] = "replay_duplicate",
	[BURST_KEY_EXHAUSTED] = "key_exhausted",
	[BURST_AUTH_FAILED] = "auth_failed",
	[BURST_INTERNAL] = "internal",
};

__thread uint32_t backend_keep;

void burst_keep_failed(uint32_t packets)
{
	backend_keep = packets;
}

// How far a packet of the burst has come.
enum stage {
	STAGE_DONE,	 // its status is final
	STAGE_REFUSED,	 // not fresh or no packet left: why exactly is said when its turn comes
	STAGE_TRANSFORM, // goes to the back end
	STAGE_CUT,	 // what it is depends on a packet before it: begins another round
};

// The ops of one round, gathered by suite and back end.
struct round {
	struct backend_op ops[BURST_MAX]; // in the order of the packets
	uint32_t n_groups;
	struct group {
		const struct backend_suite *transforms;
		uint32_t n;
		struct backend_op *ops[BURST_MAX];
	} groups[2 * SUITE_COUNT];
};

static inline uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

// ---- parsing

// The first header and SSRC of a compound packet (RFC 3711 section 3.4). Of a packet to protect the
// lengths of all its parts must add up (RFC 3550 appendix A.2). Returns how many bytes stay in
// clear, 0 if the packet is malformed.
static uint32_t rtcp_clear(const uint8_t *data, uint32_t length, bool protecting)
{
	if (length < RTCP_HEADER || data[0] >> 6 != 2)
		return 0;
	for (uint32_t at = 0; protecting && at < length;) {
		if (length - at < 4 || data[at] >> 6 != 2)
			return 0;
		at += 4 * (be16(data + at + 2) + 1);
		if (at < RTCP_HEADER || at > length)
			return 0; // the first part holds at least an SSRC
	}
	return RTCP_HEADER;
}

// ---- the checks before the transform

static inline enum burst_status verdict_status(enum replay_verdict verdict)
{
	return verdict == REPLAY_OLD ? BURST_REPLAY_OLD : BURST_REPLAY_DUPLICATE;
}

static inline bool key_exhausted(const struct context *ctx, uint64_t index, bool rtcp)
{
	if (rtcp)
		return state_cold(ctx)->rtcp_count >= STATE_RTCP_LIMIT || index > RTCP_INDEX_MAX;
	return ctx->rtp_count >= STATE_RTP_LIMIT || index > REPLAY_INDEX_MAX;
}

// Other threads may read the counts.
static inline void count_packet(struct context *ctx, bool rtcp)
{
	struct state_cold *cold = state_cold(ctx);

	if (rtcp)
		__atomic_store_n(&cold->rtcp_count, cold->rtcp_count + 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&ctx->rtp_count, ctx->rtp_count + 1, __ATOMIC_RELAXED);
}

// Parses a packet into its op; false: malformed.
static inline bool parse(
	struct backend_op *op, const struct burst_packet *packet, bool protecting, bool rtcp)
{
	const struct context *ctx = packet->ctx;
	uint32_t length = packet->length, trailer = 0;

	if (!protecting)
		trailer = rtcp ? suite_table[ctx->suite].rtcp_tag_bytes + RTCP_INDEX
			       : suite_table[ctx->suite].tag_bytes;
	if (length <= trailer || length > LENGTH_MAX)
		return false;
	op->clear = rtcp ? rtcp_clear(packet->data, length - trailer, protecting)
			 : state_rtp_clear(packet->data, length - trailer);
	if (!op->clear)
		return false;
	op->ctx = packet->ctx;
	op->data = packet->data;
	op->length = length;
	op->ssrc = be32(packet->data + (rtcp ? 4 : 8));
	return true;
}

// Sets the replay state that belongs to a place; false: there is none.
static inline bool place(struct backend_op *op, int slot, bool rtcp)
{
	op->replay = NULL;
	if (slot < 0)
		return false;
	op->replay = rtcp ? state_rtcp_replay(op->ctx, (unsigned)slot)
			  : state_replay(op->ctx, (unsigned)slot);
	return true;
}

// Finds the SSRC's replay state; false: unknown.
static inline bool find(struct backend_op *op, bool rtcp)
{
	return place(op, state_find(op->ctx, op->ssrc), rtcp);
}

// Words and window of the replay state in use.
static inline unsigned window_of(const struct context *ctx, bool rtcp)
{
	return rtcp ? STATE_RTCP_WINDOW : state_window(ctx);
}

static inline unsigned words_of(const struct context *ctx, bool rtcp)
{
	return rtcp ? STATE_RTCP_WORDS : ctx->words;
}

static inline enum replay_verdict check(const struct backend_op *op, bool rtcp)
{
	if (!op->replay)
		return REPLAY_FRESH;
	return replay_check(
		op->replay, window_of(op->ctx, rtcp), words_of(op->ctx, rtcp), op->index);
}

// False: there is no place for a new SSRC.
static inline bool commit(struct backend_op *op, bool rtcp)
{
	if (!op->replay && !place(op, state_add(op->ctx, op->ssrc), rtcp))
		return false;
	replay_commit(op->replay, words_of(op->ctx, rtcp), op->index);
	count_packet(op->ctx, rtcp);
	return true;
}

// A packet to protect is ours: its index is taken here and at once, so never twice.
static inline enum burst_status protect_prepare(
	struct backend_op *op, const struct burst_packet *packet, bool rtcp)
{
	const struct context *ctx = packet->ctx;

	if (!parse(op, packet, true, rtcp))
		return BURST_MALFORMED;
	if (packet->room < packet->length || packet->room - packet->length < BURST_ROOM)
		return BURST_NO_ROOM;
	bool known = find(op, rtcp);
	if (!known && !state_may_add(ctx))
		return BURST_SSRC_LIMIT;

	uint64_t highest = known ? op->replay->highest : 0;
	// SRTCP counts on from 1, as libsrtp2 does
	op->index = rtcp ? highest + 1 : replay_guess(highest, be16(packet->data + 2));
	enum replay_verdict verdict = check(op, rtcp);
	if (verdict != REPLAY_FRESH)
		return verdict_status(verdict);
	if (key_exhausted(ctx, op->index, rtcp))
		return BURST_KEY_EXHAUSTED;
	return commit(op, rtcp) ? BURST_OK : BURST_SSRC_LIMIT;
}

// The index of a packet to unprotect; false if it depends on whether one before it in this round
// authenticates.
static inline bool unprotect_index(struct backend_op *op, const uint8_t *data, bool rtcp)
{
	if (rtcp) {
		const struct context *ctx = op->ctx;
		uint32_t behind = state_is_gcm(ctx) ? 0 : suite_table[ctx->suite].rtcp_tag_bytes;
		op->index = be32(data + op->length - behind - RTCP_INDEX);
		return true;
	}
	uint16_t seq = be16(data + 2);
	uint64_t highest = op->replay ? op->replay->highest : 0;
	op->index = replay_guess(highest, seq);
	return !op->replay || !op->replay->pending ||
	       op->index == replay_guess(highest + op->replay->pending, seq);
}

// A packet to unprotect is checked against what authenticated before this round; nothing but hints
// for the rest of the round is written.
static inline enum stage unprotect_prepare(
	struct backend_op *op, const struct burst_packet *packet, uint8_t *status, bool rtcp)
{
	struct context *ctx = packet->ctx;

	*status = BURST_MALFORMED;
	if (!parse(op, packet, false, rtcp))
		return STAGE_DONE;
	if (packet->room < packet->length) {
		*status = BURST_NO_ROOM;
		return STAGE_DONE;
	}
	bool known = find(op, rtcp);
	if (!known && !state_may_add(ctx)) {
		*status = BURST_SSRC_LIMIT;
		return STAGE_DONE;
	}
	if ((!known && ctx->unknown_pending) || !unprotect_index(op, packet->data, rtcp))
		return STAGE_CUT;
	if (rtcp) {
		// The E flag: no clear SRTCP, for nobody negotiates it (RFC 4568 section 6.3.2)
		if (!(op->index & 0x80000000u))
			return STAGE_DONE;
		op->index &= RTCP_INDEX_MAX;
	}
	if (check(op, rtcp) != REPLAY_FRESH || key_exhausted(ctx, op->index, rtcp))
		return STAGE_REFUSED;

	if (!known)
		ctx->unknown_pending = 1;
	else if (op->index > op->replay->highest + op->replay->pending)
		op->replay->pending = op->index - op->replay->highest;
	return STAGE_TRANSFORM;
}

static enum burst_status failed(const struct backend_op *op, struct burst_packet *packet)
{
	if (op->status == BACKEND_KEPT)
		return BURST_AUTH_FAILED;
	if (op->status == BURST_AUTH_FAILED)
		packet->length = 0;
	return op->status;
}

// Says what became of a packet, with all before it committed.
static inline enum burst_status unprotect_commit(
	struct backend_op *op, struct burst_packet *packet, bool rtcp)
{
	op->ctx->unknown_pending = 0;
	if (op->replay)
		op->replay->pending = 0;

	enum replay_verdict verdict = check(op, rtcp);
	if (verdict != REPLAY_FRESH)
		return verdict_status(verdict);
	if (key_exhausted(op->ctx, op->index, rtcp))
		return BURST_KEY_EXHAUSTED;
	if (op->status != BURST_OK)
		return failed(op, packet);
	if (!commit(op, rtcp))
		return BURST_SSRC_LIMIT;
	packet->length = op->length;
	return BURST_OK;
}

// ---- bursts

static inline void gather(struct round *round, struct backend_op *op)
{
	const struct backend_suite *transforms = state_transforms(op->ctx);
	uint32_t g = 0;
	while (g < round->n_groups && round->groups[g].transforms != transforms)
		g++;
	struct group *group = &round->groups[g];
	if (g == round->n_groups) {
		round->n_groups++;
		group->transforms = transforms;
		group->n = 0;
	}
	if (group->n < BACKEND_PREFETCH && transforms->prefetch)
		transforms->prefetch(op);
	group->ops[group->n++] = op;
}

static inline void transform(struct round *round, enum backend_kind kind)
{
	for (uint32_t g = 0; g < round->n_groups; g++)
		round->groups[g].transforms->transform[kind](
			round->groups[g].ops, round->groups[g].n);
	round->n_groups = 0;
}

static inline void prefetch_all(const struct burst_packet packets[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		context_prefetch(packets[i].ctx);
		__builtin_prefetch(packets[i].data);
	}
}

static inline uint32_t protect(
	struct burst_packet packets[], uint8_t status[], uint32_t n, bool rtcp)
{
	struct round round;
	uint32_t good = 0;

	assert(n <= BURST_MAX);
	round.n_groups = 0;
	prefetch_all(packets, n);
	for (uint32_t i = 0; i < n; i++) {
		status[i] = protect_prepare(&round.ops[i], &packets[i], rtcp);
		if (status[i] == BURST_OK)
			gather(&round, &round.ops[i]);
	}
	transform(&round, rtcp ? BACKEND_PROTECT_RTCP : BACKEND_PROTECT);
	for (uint32_t i = 0; i < n; i++) {
		if (status[i] != BURST_OK)
			continue;
		status[i] = round.ops[i].status;
		if (status[i] == BURST_OK)
			packets[i].length = round.ops[i].length;
		good += status[i] == BURST_OK;
	}
	return good;
}

// Rounds end before a packet whose index, or whether its SSRC has a place, depends on another in
// the round: the second packet of a new SSRC, or a sequence number half a round away. Else a burst
// is one round.
static inline uint32_t unprotect(
	struct burst_packet packets[], uint8_t status[], uint32_t n, bool rtcp)
{
	struct round round;
	uint32_t good = 0;

	assert(n <= BURST_MAX);
	round.n_groups = 0;
	prefetch_all(packets, n);
	for (uint32_t begin = 0, end; begin < n; begin = end) {
		for (end = begin; end < n; end++) {
			struct backend_op *op = &round.ops[end];
			op->stage = unprotect_prepare(op, &packets[end], &status[end], rtcp);
			if (op->stage == STAGE_CUT)
				break;
			if (op->stage == STAGE_TRANSFORM)
				gather(&round, op);
		}
		transform(&round, rtcp ? BACKEND_UNPROTECT_RTCP : BACKEND_UNPROTECT);
		for (uint32_t i = begin; i < end; i++) {
			if (round.ops[i].stage != STAGE_DONE)
				status[i] = unprotect_commit(&round.ops[i], &packets[i], rtcp);
			good += status[i] == BURST_OK;
		}
	}
	return good;
}

uint32_t burst_protect(struct burst_packet packets[], uint8_t status[], uint32_t n)
{
	return protect(packets, status, n, false);
}

uint32_t burst_unprotect(struct burst_packet packets[], uint8_t status[], uint32_t n)
{
	return unprotect(packets, status, n, false);
}

uint32_t burst_protect_rtcp(struct burst_packet packets[], uint8_t status[], uint32_t n)
{
	return protect(packets, status, n, true);
}

uint32_t burst_unprotect_rtcp(struct burst_packet packets[], uint8_t status[], uint32_t n)
{
	return unprotect(packets, status, n, true);
}
