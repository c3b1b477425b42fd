// SPDX-License-Identifier: BSD-3-Clause
// Hands the packets of a batch to the crypto bursts, RTP and RTCP apart. Workers.
#include "engine/stage_crypto.h"

#include "engine/explain.h"

#include <rte_prefetch.h>

static_assert(PACKET_BURST <= BURST_MAX, "a batch fits in one crypto burst");

static const uint8_t verdicts[BURST_STATUS_COUNT] = {
	[BURST_OK] = VERDICT_GO,
	[BURST_MALFORMED] = DROP_SRTP_MALFORMED,
	[BURST_NO_ROOM] = DROP_NO_ROOM,
	[BURST_SSRC_LIMIT] = DROP_SSRC_LIMIT,
	[BURST_REPLAY_OLD] = DROP_REPLAY_OLD,
	[BURST_REPLAY_DUPLICATE] = DROP_REPLAY_DUPLICATE,
	[BURST_KEY_EXHAUSTED] = DROP_KEY_EXHAUSTED,
	[BURST_AUTH_FAILED] = DROP_AUTH_FAILED,
	[BURST_INTERNAL] = DROP_CRYPTO_FAILED,
};

static void count_failure(struct stream_state *state, uint8_t status)
{
	if (status == BURST_AUTH_FAILED)
		counter_add(&state->auth_failed, 1);
	else if (status == BURST_REPLAY_OLD || status == BURST_REPLAY_DUPLICATE)
		counter_add(&state->replayed, 1);
	else if (status == BURST_KEY_EXHAUSTED)
		counter_add(&state->key_exhausted, 1);
}

static void finish(struct worker *w, const struct packet_batch *batch, struct packet *p,
	const struct burst_packet *b, uint8_t status)
{
	struct stream_state *state = p->stream->state;

	p->verdict = verdicts[status];
	if (status != BURST_OK) {
		count_failure(state, status);
		if (status == BURST_AUTH_FAILED && !p->rtcp)
			explain_take(w, batch->now, p, b->length > 0);
		return;
	}
	p->length = (uint16_t)b->length;
	__atomic_store_n(&state->last_tsc, batch->now, __ATOMIC_RELAXED);
	if (!p->rtcp)
		reception_count(&state->reception, b->data, batch->now_s32);
}

static unsigned transform(
	struct worker *w, struct packet_batch *batch, uint8_t rtcp, stage_crypto_fn fn)
{
	struct burst_packet bursts[PACKET_BURST];
	struct packet *packets[PACKET_BURST];
	uint8_t status[PACKET_BURST];
	unsigned n = 0, good;

	for (unsigned i = 0; i < batch->n; i++) {
		struct packet *p = &batch->packets[i];
		uint32_t before = p->mbuf->data_off + p->parse.payload;

		if (p->rtcp != rtcp)
			continue;
		rte_prefetch0(&p->stream->state->owner);
		packets[n] = p;
		bursts[n++] = (struct burst_packet){.ctx = p->stream->context,
			.data = packet_payload(p),
			.length = p->parse.length,
			.room = p->mbuf->buf_len - before};
	}
	if (n == 0)
		return 0;
	good = fn(bursts, status, n);
	for (unsigned i = 0; i < n; i++)
		finish(w, batch, packets[i], &bursts[i], status[i]);
	return good;
}

unsigned stage_crypto(
	struct worker *w, struct packet_batch *batch, stage_crypto_fn rtp, stage_crypto_fn rtcp)
{
	unsigned good = transform(w, batch, 0, rtp) + transform(w, batch, 1, rtcp);

	stage_settle(w, batch, good < batch->n);
	return good;
}
