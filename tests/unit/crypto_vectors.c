// SPDX-License-Identifier: BSD-3-Clause
// The vectors of RFC 3711, RFC 6188 and RFC 7714.
#include <ctype.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "crypto/derive.h"
#include "crypto/ipsec_mb.h"
#include "crypto/state.h"
#include "tests/unit/crypto_util.h"
#include "tests/vectors/srtp.h"

static uint32_t unhex(const char *hex, uint8_t *out, uint32_t size)
{
	uint32_t n = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		char byte[3] = {hex[0], hex[1], 0};
		cr_assert(isxdigit(hex[0]) && isxdigit(hex[1]) && n < size);
		out[n++] = (uint8_t)strtoul(byte, NULL, 16);
		hex++;
	}
	return n;
}

static struct util_packet packet(const char *hex)
{
	struct util_packet p = {.length = 0};
	p.length = unhex(hex, p.data, sizeof(p.data));
	return p;
}

static struct context *keyed(
	const char *backend, const struct vector_packet *v, enum context_direction direction)
{
	uint8_t key[32], salt[14];
	unhex(v->key, key, sizeof(key));
	unhex(v->salt, salt, sizeof(salt));
	struct context_params params = {
		.suite = (enum suite_id)suite_find(v->suite),
		.direction = direction,
		.key = key,
		.salt = salt,
	};
	cr_assert_eq(context_backend_init(backend), 0);
	struct context *ctx = context_new(&params);
	cr_assert_not_null(ctx);
	return ctx;
}

Test(vectors, key_derivation)
{
	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	for (unsigned i = 0; i < sizeof(vector_derive) / sizeof(vector_derive[0]); i++) {
		const struct vector_derive *v = &vector_derive[i];
		uint8_t key[32], salt[14];
		uint32_t key_bytes = unhex(v->key, key, sizeof(key));
		uint32_t salt_bytes = unhex(v->salt, salt, sizeof(salt));
		const struct {
			enum derive_label label;
			const char *hex;
		} parts[] = {{DERIVE_RTP_KEY, v->rtp_key}, {DERIVE_RTP_SALT, v->rtp_salt},
			{DERIVE_RTP_AUTH, v->rtp_auth}};
		for (unsigned j = 0; j < 3; j++) {
			uint8_t want[96], got[96];
			uint32_t bytes = unhex(parts[j].hex, want, sizeof(want));
			const struct derive_part part = {parts[j].label, got, bytes};

			cr_assert_eq(derive_keys(key, key_bytes, salt, salt_bytes, &part, 1), 0);
			cr_assert_arr_eq(got, want, bytes, "vector %u part %u", i, j);
		}
	}
}

// The keystream of RFC 3711 appendix B.2 through the transform itself, on a payload of zeros.
Test(vectors, cm_keystream)
{
	static uint8_t data[12 + (VECTOR_CM_LAST_BLOCK + 1) * 16 + BURST_ROOM];
	const struct vector_packet any = vector_rtp[0];
	struct context *ctx = keyed("ipsec_mb", &any, CONTEXT_PROTECT);
	struct ipsec_mb_cm_keys *keys = state_keys(ctx);
	uint8_t key[16], want[48], unused[176] __attribute__((aligned(16)));

	unhex(VECTOR_CM_KEY, key, sizeof(key));
	unhex(VECTOR_CM_SALT, ctx->salt, sizeof(ctx->salt));
	IMB_AES_KEYEXP_128(ipsec_mb_mgr, key, keys->round_keys, unused);
	data[0] = 0x80;
	struct backend_op op = {
		.ctx = ctx, .data = data, .length = 12 + 48, .clear = 12, .index = 0, .ssrc = 0};
	struct backend_op *ops[] = {&op};
	state_transforms(ctx)->transform[BACKEND_PROTECT](ops, 1);
	cr_assert_eq(op.status, BURST_OK);
	unhex(VECTOR_CM_KEYSTREAM, want, sizeof(want));
	cr_assert_arr_eq(data + 12, want, 48);

	// The end of it lies past any packet: only the cipher, all 65,282 blocks
	memset(data, 0, sizeof(data));
	uint8_t iv[16] = {0};
	memcpy(iv, ctx->salt, 14);
	IMB_JOB job = {
		.src = data,
		.dst = data,
		.msg_len_to_cipher_in_bytes = (VECTOR_CM_LAST_BLOCK + 1) * 16,
		.enc_keys = keys->round_keys,
		.iv = iv,
		.iv_len_in_bytes = 16,
	};
	cr_assert_eq(IMB_SUBMIT_CIPHER_BURST_NOCHECK(ipsec_mb_self->mgr, &job, 1, IMB_CIPHER_CNTR,
			     IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES),
		1);
	unhex(VECTOR_CM_KEYSTREAM_END, want, sizeof(want));
	cr_assert_arr_eq(data + (VECTOR_CM_LAST_BLOCK - 2) * 16, want, 48);
	context_free(ctx);
}

Test(vectors, whole_packets)
{
	for (unsigned b = 0; b < 2; b++)
		for (unsigned i = 0; i < sizeof(vector_rtp) / sizeof(vector_rtp[0]); i++) {
			const struct vector_packet *v = &vector_rtp[i];
			struct util_packet clear = packet(v->clear), wire = packet(v->wire);
			struct util_packet p = clear;
			struct context *tx = keyed(util_backends[b], v, CONTEXT_PROTECT);
			struct context *rx = keyed(util_backends[b], v, CONTEXT_UNPROTECT);

			cr_assert_eq(util_one(burst_protect, tx, &p), BURST_OK);
			cr_assert(util_same(&p, &wire), "%s %s", util_backends[b], v->suite);
			cr_assert_eq(util_one(burst_unprotect, rx, &p), BURST_OK);
			cr_assert(util_same(&p, &clear), "%s %s", util_backends[b], v->suite);
			context_free(tx);
			context_free(rx);
		}
}

// RFC 7714 gives session keys: they are put in the place of the derived ones.
static struct context *session_keyed(
	const struct vector_packet *v, enum context_direction direction)
{
	struct context *ctx = keyed("ipsec_mb", v, direction);
	struct ipsec_mb_rtcp_keys *rtcp = state_rtcp_keys(ctx);
	uint8_t key[32];

	unhex(v->key, key, sizeof(key));
	unhex(v->salt, ctx->salt, sizeof(ctx->salt));
	ipsec_mb_gcm_expand(ctx->suite, key, state_keys(ctx));
	memcpy(rtcp->key, key, suite_table[ctx->suite].key_bytes);
	unhex(v->salt, rtcp->salt, sizeof(rtcp->salt));
	return ctx;
}

Test(vectors, gcm_rtp)
{
	for (unsigned i = 0; i < sizeof(vector_gcm_rtp) / sizeof(vector_gcm_rtp[0]); i++) {
		const struct vector_packet *v = &vector_gcm_rtp[i];
		struct util_packet clear = packet(v->clear), wire = packet(v->wire), p = clear;
		struct context *tx = session_keyed(v, CONTEXT_PROTECT);
		struct context *rx = session_keyed(v, CONTEXT_UNPROTECT);

		cr_assert_eq(util_one(burst_protect, tx, &p), BURST_OK);
		cr_assert(util_same(&p, &wire), "%s", v->suite);
		cr_assert_eq(util_one(burst_unprotect, rx, &p), BURST_OK);
		cr_assert(util_same(&p, &clear), "%s", v->suite);
		context_free(tx);
		context_free(rx);
	}
}

Test(vectors, gcm_rtcp)
{
	for (unsigned i = 0; i < sizeof(vector_gcm_rtcp) / sizeof(vector_gcm_rtcp[0]); i++) {
		const struct vector_packet *v = &vector_gcm_rtcp[i];
		struct util_packet clear = packet(v->clear), wire = packet(v->wire), p = clear;
		struct context *tx = session_keyed(v, CONTEXT_PROTECT);
		struct context *rx = session_keyed(v, CONTEXT_UNPROTECT);
		struct backend_op op = {.ctx = tx,
			.data = p.data,
			.length = p.length,
			.clear = 8,
			.index = VECTOR_GCM_RTCP_INDEX,
			.ssrc = 0x4d617273};
		struct backend_op *ops[] = {&op};

		// The common part would refuse the length in the RFC's header
		state_transforms(tx)->transform[BACKEND_PROTECT_RTCP](ops, 1);
		p.length = op.length;
		cr_assert_eq(op.status, BURST_OK);
		cr_assert(util_same(&p, &wire), "%s", v->suite);
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_OK);
		cr_assert(util_same(&p, &clear), "%s", v->suite);
		context_free(tx);
		context_free(rx);
	}
}
