// SPDX-License-Identifier: BSD-3-Clause
// AES-GCM of SRTP and SRTCP (RFC 7714) by direct ipsec-mb calls; runs on workers.
#include "crypto/ipsec_mb.h"

#include "crypto/state.h"

#define TAG	   16
#define TRAILER	   4 // the E flag and the index of SRTCP
#define E_FLAG	   0x80000000u
#define RTCP_CLEAR 8
#define LINE	   STATE_LINE

void ipsec_mb_gcm_expand(enum suite_id suite, const uint8_t *key, struct gcm_key_data *expanded)
{
	if (suite == SUITE_AEAD_AES_256_GCM)
		IMB_AES256_GCM_PRE(ipsec_mb_mgr, key, expanded);
	else
		IMB_AES128_GCM_PRE(ipsec_mb_mgr, key, expanded);
}

// 00 00 SSRC ROC SEQ for SRTP, 00 00 SSRC 00 00 index for SRTCP, added to the salt (RFC 7714
// section 8.1, 9.1).
static inline void make_iv(uint8_t iv[12], const uint8_t *salt, uint32_t ssrc, uint64_t index)
{
	uint32_t high = __builtin_bswap32(ssrc >> 16);
	uint64_t low = __builtin_bswap64((uint64_t)ssrc << 48 | index);
	uint32_t salt_high;
	uint64_t salt_low;
	memcpy(&salt_high, salt, 4);
	memcpy(&salt_low, salt + 4, 8);
	high ^= salt_high;
	low ^= salt_low;
	memcpy(iv, &high, 4);
	memcpy(iv + 4, &low, 8);
}

// Which lines of struct gcm_key_data a packet touches: the round keys at its begin, then powers of
// the hash key. The code for AVX-512 with VAES has 48 of them, the first power last, and takes as
// many as the packet has blocks; all other takes the same 8, or 16 values.
static struct {
	unsigned first, end; // lines
	bool by_length;	     // `first` is for an empty packet, a line earlier for each 64 bytes
} hash_lines;

void ipsec_mb_gcm_start(void)
{
	const uint64_t vaes = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
	hash_lines.first = 3;
	hash_lines.end = ipsec_mb_mgr->used_arch >= IMB_ARCH_AVX2 ? 6 : 8;
	if (ipsec_mb_mgr->used_arch == IMB_ARCH_AVX512 && (ipsec_mb_mgr->features & vaes) == vaes) {
		hash_lines.first = 15;
		hash_lines.end = 16;
		hash_lines.by_length = true;
	}
}

static inline void prefetch(const struct backend_op *op)
{
	const uint8_t *keys = state_keys(op->ctx);
	unsigned first = hash_lines.first;
	if (hash_lines.by_length)
		first = op->length >= 12 * LINE ? 3 : 14 - op->length / LINE;
	for (unsigned i = 0; i < (op->ctx->suite == SUITE_AEAD_AES_256_GCM ? 4 : 3); i++)
		__builtin_prefetch(keys + i * LINE);
	for (unsigned i = first; i < hash_lines.end; i++)
		__builtin_prefetch(keys + i * LINE);
	for (unsigned i = 0; i < 4; i++)
		__builtin_prefetch(op->data + i * LINE, 1);
}

void ipsec_mb_gcm_prefetch(const struct backend_op *op)
{
	prefetch(op);
}

static inline void protect(struct backend_op *const ops[], uint32_t n, aes_gcm_enc_dec_t encrypt)
{
	struct gcm_context_data gcm;
	uint8_t iv[12];

	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint8_t *payload = op->data + op->clear;
		uint32_t bytes = op->length - op->clear;

		if (i + BACKEND_PREFETCH < n)
			prefetch(ops[i + BACKEND_PREFETCH]);
		make_iv(iv, op->ctx->salt, op->ssrc, op->index);
		encrypt(state_keys(op->ctx), &gcm, payload, payload, bytes, iv, op->data, op->clear,
			payload + bytes, TAG);
		op->length += TAG;
		op->status = BURST_OK;
	}
}

// A packet that failed has been deciphered: it is overwritten. To keep it, it is ciphered again, by
// which it becomes what it was.
static void __attribute__((noinline))
end_failed(struct backend_op *op, const uint8_t iv[12], uint8_t *payload, uint32_t bytes)
{
	struct gcm_context_data gcm;
	uint8_t tag[TAG];

	op->status = BURST_AUTH_FAILED;
	if (backend_keep == 0) {
		memset(payload, 0, bytes);
		return;
	}
	backend_keep--;
	op->status = BACKEND_KEPT;
	(op->ctx->suite == SUITE_AEAD_AES_256_GCM ? ipsec_mb_mgr->gcm256_enc
						  : ipsec_mb_mgr->gcm128_enc)(state_keys(op->ctx),
		&gcm, payload, payload, bytes, iv, op->data, op->clear, tag, TAG);
}

// In place and in one pass.
static inline void unprotect(struct backend_op *const ops[], uint32_t n, aes_gcm_enc_dec_t decrypt)
{
	struct gcm_context_data gcm;
	uint8_t iv[12], tag[TAG];

	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint8_t *payload = op->data + op->clear;
		uint32_t bytes = op->length - op->clear - TAG;

		if (i + BACKEND_PREFETCH < n)
			prefetch(ops[i + BACKEND_PREFETCH]);
		make_iv(iv, op->ctx->salt, op->ssrc, op->index);
		decrypt(state_keys(op->ctx), &gcm, payload, payload, bytes, iv, op->data, op->clear,
			tag, TAG);
		op->status = BURST_OK;
		op->length -= TAG;
		if (__builtin_expect(ipsec_mb_differ16(tag, payload + bytes) != 0, 0))
			end_failed(op, iv, payload, bytes);
	}
}

void ipsec_mb_gcm128_protect(struct backend_op *const ops[], uint32_t n)
{
	protect(ops, n, ipsec_mb_mgr->gcm128_enc);
}

void ipsec_mb_gcm128_unprotect(struct backend_op *const ops[], uint32_t n)
{
	unprotect(ops, n, ipsec_mb_mgr->gcm128_dec);
}

void ipsec_mb_gcm256_protect(struct backend_op *const ops[], uint32_t n)
{
	protect(ops, n, ipsec_mb_mgr->gcm256_enc);
}

void ipsec_mb_gcm256_unprotect(struct backend_op *const ops[], uint32_t n)
{
	unprotect(ops, n, ipsec_mb_mgr->gcm256_dec);
}

// ---- SRTCP: header, ciphered parts, tag, trailer; the trailer is authenticated behind the header
// (RFC 7714 section 9.2, 9.3)

// Ciphers the payload and gives the tag.
static void rtcp_crypt(struct backend_op *op, uint32_t bytes, bool encrypt, uint8_t tag[TAG])
{
	struct gcm_key_data expanded;
	struct gcm_context_data gcm;
	const struct ipsec_mb_rtcp_keys *keys = state_rtcp_keys(op->ctx);
	bool wide = op->ctx->suite == SUITE_AEAD_AES_256_GCM;
	uint8_t iv[12], aad[RTCP_CLEAR + TRAILER], *payload = op->data + RTCP_CLEAR;
	aes_gcm_enc_dec_t crypt = encrypt ? ipsec_mb_mgr->gcm128_enc : ipsec_mb_mgr->gcm128_dec;
	if (wide)
		crypt = encrypt ? ipsec_mb_mgr->gcm256_enc : ipsec_mb_mgr->gcm256_dec;

	memcpy(aad, op->data, RTCP_CLEAR);
	ipsec_mb_put32(aad + RTCP_CLEAR, E_FLAG | (uint32_t)op->index);
	make_iv(iv, keys->salt, op->ssrc, op->index);
	ipsec_mb_gcm_expand(op->ctx->suite, keys->key, &expanded);
	crypt(&expanded, &gcm, payload, payload, bytes, iv, aad, sizeof(aad), tag, TAG);
	explicit_bzero(&expanded, sizeof(expanded));
	explicit_bzero(&gcm, sizeof(gcm));
}

void ipsec_mb_gcm_protect_rtcp(struct backend_op *const ops[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint8_t *end = op->data + op->length;
		rtcp_crypt(op, op->length - RTCP_CLEAR, true, end);
		ipsec_mb_put32(end + TAG, E_FLAG | (uint32_t)op->index);
		op->length += TAG + TRAILER;
		op->status = BURST_OK;
	}
}

void ipsec_mb_gcm_unprotect_rtcp(struct backend_op *const ops[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint8_t tag[TAG];
		op->length -= TAG + TRAILER;
		rtcp_crypt(op, op->length - RTCP_CLEAR, false, tag);
		op->status = BURST_OK;
		if (ipsec_mb_differ16(tag, op->data + op->length)) {
			memset(op->data + RTCP_CLEAR, 0, op->length - RTCP_CLEAR);
			op->status = BURST_AUTH_FAILED;
		}
	}
}
