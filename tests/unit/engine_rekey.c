// SPDX-License-Identifier: BSD-3-Clause
// New keys in a call: a direction that is given the keys it has goes on where it was. It takes no
// packet twice, misses no round, and protects nothing under an index already used.
#include "tests/unit/engine_media.h"

#define LENGTH 172

struct call {
	struct rig rig;
	struct context *to_us, *from_us; // of the far end
};

static void call_start(struct call *call, const char *crypto, enum suite_id suite)
{
	rig_prepare(&call->rig, 2);
	call->rig.config.crypto = crypto;
	call->rig.params.suite = suite;
	rig_run(&call->rig);
	rig_add(&call->rig);
	call->to_us = rig_context(&call->rig.params, CONTEXT_PROTECT);
	call->from_us = rig_context(&call->rig.params, CONTEXT_UNPROTECT);
}

static void call_stop(struct call *call)
{
	context_free(call->to_us);
	context_free(call->from_us);
	rig_stop(&call->rig);
}

// The engine gets both keys; the far end begins anew in the directions whose key is another.
static void rekey(struct call *call, bool rx, bool tx)
{
	struct session_params *p = &call->rig.params;

	if (rx) {
		p->rx_key[3] ^= 0x40;
		context_free(call->to_us);
		call->to_us = rig_context(p, CONTEXT_PROTECT);
	}
	if (tx) {
		p->tx_key[3] ^= 0x40;
		context_free(call->from_us);
		call->from_us = rig_context(p, CONTEXT_UNPROTECT);
	}
	cr_assert_eq(session_update(call->rig.engine, call->rig.id, SESSION_KEYS, p, NULL), 0);
}

static uint32_t round_of(struct call *call, bool to_wire, uint32_t ssrc)
{
	struct session *session = session_table_find(&call->rig.engine->sessions, call->rig.id);
	struct stream *stream = to_wire ? session->tx : session->rx;
	uint32_t roc = 0;
	uint16_t seq;

	cr_assert_eq(context_get_index(stream->context, ssrc, &roc, &seq), 0);
	return roc;
}

// A packet from the wire, kept to be sent again.
static void record(struct call *call, uint16_t seq, bool rtcp, struct rig_frame *frame)
{
	const struct session_params *p = &call->rig.params;
	struct rig_frame out;
	uint8_t sealed[300];
	uint32_t length;

	rig_rtp(sealed, 0xabcdef01, seq, LENGTH);
	if (rtcp)
		rig_rtcp(sealed, 0xabcdef01, seq, LENGTH);
	length = seal(call->to_us, sealed, LENGTH, sizeof(sealed), rtcp);
	rig_udp(frame, RIG_WIRE, &p->wire_remote, &p->wire_local, sealed, (uint16_t)length);
	rig_send(&call->rig, RIG_WIRE, frame);
	cr_assert(rig_receive(&call->rig, RIG_HOST, &out));
}

static void keeps_receive_key(const char *crypto, enum suite_id suite)
{
	struct call call;
	struct rig_frame frames[3], out;

	call_start(&call, crypto, suite);
	from_wire(&call.rig, call.to_us, 65530, 5, false);
	record(&call, 65535, false, &frames[0]);
	record(&call, 0, false, &frames[1]);
	from_wire(&call.rig, call.to_us, 1, 5, false);
	record(&call, 1, true, &frames[2]);
	for (unsigned turn = 1; turn <= 2; turn++) {
		rekey(&call, false, true);
		for (unsigned i = 0; i < 3; i++)
			rig_send(&call.rig, RIG_WIRE, &frames[i]);
		cr_assert_eq(rig_drops(&call.rig, DROP_REPLAY_DUPLICATE, 3 * turn), 3 * turn);
		cr_assert_not(rig_take(&call.rig, RIG_HOST, &out));
		from_wire(&call.rig, call.to_us, (uint16_t)(10 * turn), 10, false);
		from_wire(&call.rig, call.to_us, 1, 2, true);
		cr_assert_eq(round_of(&call, false, 0xabcdef01), 1);
		from_host(&call.rig, call.from_us, (uint16_t)(100 * turn), 3, false);
		from_host(&call.rig, call.from_us, 1, 2, true);
	}
	// on to the round after
	from_wire(&call.rig, call.to_us, 30000, 1, false);
	from_wire(&call.rig, call.to_us, 60000, 1, false);
	from_wire(&call.rig, call.to_us, 65534, 4, false);
	cr_assert_eq(round_of(&call, false, 0xabcdef01), 2);
	cr_assert_eq(rig_drops(&call.rig, DROP_AUTH_FAILED, 0), 0);
	call_stop(&call);
}

Test(rekey, keeps_the_receive_key_gcm)
{
	keeps_receive_key("ipsec_mb", SUITE_AEAD_AES_128_GCM);
}

Test(rekey, keeps_the_receive_key_cm)
{
	keeps_receive_key("ipsec_mb", SUITE_AES_CM_128_HMAC_SHA1_80);
}

Test(rekey, keeps_the_receive_key_libsrtp2)
{
	keeps_receive_key("libsrtp2", SUITE_AEAD_AES_256_GCM);
}

// The application sends `seq` once more: nothing may leave.
static void refused(struct call *call, uint16_t seq, uint64_t times)
{
	const struct session_params *p = &call->rig.params;
	struct rig_frame frame;
	uint8_t plain[LENGTH];

	rig_rtp(plain, 0x12345678, seq, LENGTH);
	plain[LENGTH - 1] ^= 0xff;
	rig_udp(&frame, RIG_HOST, &p->host_remote, &p->host_local, plain, LENGTH);
	rig_send(&call->rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&call->rig, DROP_REPLAY_DUPLICATE, times), times);
	cr_assert_not(rig_take(&call->rig, RIG_WIRE, &frame));
}

static void keeps_send_key(const char *crypto, enum suite_id suite)
{
	struct call call;

	call_start(&call, crypto, suite);
	from_host(&call.rig, call.from_us, 65530, 10, false); // to 3
	from_host(&call.rig, call.from_us, 1, 2, true);
	for (unsigned turn = 0; turn < 2; turn++) {
		rekey(&call, true, false);
		refused(&call, 65535, 3 * turn + 1);
		refused(&call, 0, 3 * turn + 2);
		refused(&call, (uint16_t)(3 + 10 * turn), 3 * turn + 3);
		// The far end goes on with its context, which takes no index twice
		from_host(&call.rig, call.from_us, (uint16_t)(4 + 10 * turn), 10, false);
		from_host(&call.rig, call.from_us, 1, 2, true);
		cr_assert_eq(round_of(&call, true, 0x12345678), 1);
		from_wire(&call.rig, call.to_us, (uint16_t)(100 * turn), 3, false);
		from_wire(&call.rig, call.to_us, 1, 2, true);
	}
	cr_assert_eq(rig_drops(&call.rig, DROP_AUTH_FAILED, 0), 0);
	call_stop(&call);
}

Test(rekey, keeps_the_send_key_gcm)
{
	keeps_send_key("ipsec_mb", SUITE_AEAD_AES_128_GCM);
}

Test(rekey, keeps_the_send_key_cm)
{
	keeps_send_key("ipsec_mb", SUITE_AES_CM_128_HMAC_SHA1_32);
}

Test(rekey, keeps_the_send_key_libsrtp2)
{
	keeps_send_key("libsrtp2", SUITE_AES_CM_128_HMAC_SHA1_80);
}

// As for a phone that answers a re-key with the key it has, and for one that changes its own.
Test(rekey, takes_new_keys_of_either_direction)
{
	struct call call;

	call_start(&call, NULL, SUITE_AEAD_AES_128_GCM);
	for (unsigned turn = 0; turn < 4; turn++) {
		from_host(&call.rig, call.from_us, (uint16_t)(65530 + 10 * turn), 10, false);
		from_wire(&call.rig, call.to_us, (uint16_t)(65530 + 10 * turn), 10, false);
		rekey(&call, turn & 1, turn & 2);
	}
	cr_assert_eq(rig_drops(&call.rig, DROP_AUTH_FAILED, 0), 0);
	cr_assert_eq(rig_drops(&call.rig, DROP_REPLAY_DUPLICATE, 0), 0);
	call_stop(&call);
}

// What the context holds besides goes on, too, and is given back once.
Test(rekey, keeps_the_places_of_many_ssrcs)
{
	struct call call;
	struct engine_stats before, after;
	struct rig_frame frame;
	uint8_t rtp[LENGTH];

	call_start(&call, NULL, SUITE_AEAD_AES_128_GCM);
	engine_stats_get(call.rig.engine, &before);
	for (unsigned turn = 1; turn <= 2; turn++) {
		for (uint32_t ssrc = 1; ssrc <= 16; ssrc++) {
			rig_rtp(rtp, ssrc, 1000, LENGTH);
			rig_udp(&frame, RIG_HOST, &call.rig.params.host_remote,
				&call.rig.params.host_local, rtp, LENGTH);
			rig_send(&call.rig, RIG_HOST, &frame);
			if (turn == 1)
				cr_assert(rig_receive(&call.rig, RIG_WIRE, &frame));
		}
		rekey(&call, turn == 1, false);
	}
	cr_assert_eq(rig_drops(&call.rig, DROP_REPLAY_DUPLICATE, 16), 16);
	cr_assert_not(rig_take(&call.rig, RIG_WIRE, &frame));
	for (int i = 0; i < 300; i++)
		rig_pump(&call.rig);
	engine_stats_get(call.rig.engine, &after);
	cr_assert_eq(session_remove(call.rig.engine, call.rig.id), 0);
	for (int i = 0; i < 300; i++)
		rig_pump(&call.rig);
	cr_assert_geq(after.memory_used, before.memory_used);
	engine_stats_get(call.rig.engine, &after);
	cr_assert_lt(after.memory_used, before.memory_used);
	call_stop(&call);
}
