// SPDX-License-Identifier: BSD-3-Clause
// AES counter mode with HMAC-SHA1 of SRTP and SRTCP (RFC 3711 section 4.1.1, 4.2) by ipsec-mb's
// cipher and hash bursts; runs on workers.
#include "crypto/ipsec_mb.h"

#include "crypto/state.h"

#define ROC	  4
#define TRAILER	  4 // the E flag and the index of SRTCP
#define E_FLAG	  0x80000000u
#define MAC_BYTES 12 // what ipsec-mb gives of HMAC-SHA1's 20; cut to 10 or 4

static inline uint32_t tag_bytes(const struct backend_op *op)
{
	return suite_table[op->ctx->suite].tag_bytes;
}

static inline uint32_t rtcp_tag_bytes(const struct backend_op *op)
{
	return suite_table[op->ctx->suite].rtcp_tag_bytes;
}

// Tags are 10 or 4 bytes: a copy and a comparison of sizes that the compiler knows.
static inline void copy_tag(uint8_t *to, const uint8_t *from, uint32_t bytes)
{
	if (bytes == 10)
		memcpy(to, from, 10);
	else
		memcpy(to, from, 4);
}

// 0 if equal, in a time that depends on the length alone.
static inline uint64_t differ_tag(const uint8_t *a, const uint8_t *b, uint32_t bytes)
{
	uint32_t x, y;
	uint64_t u, v, differ;

	memcpy(&x, a, 4);
	memcpy(&y, b, 4);
	differ = x ^ y;
	if (bytes == 10) {
		memcpy(&u, a + 2, 8);
		memcpy(&v, b + 2, 8);
		differ |= u ^ v;
	}
	__asm__ volatile("" : "+r"(differ));
	return differ;
}

// salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16; the last 16 bits count the blocks.
static inline void make_iv(uint8_t iv[16], const uint8_t *salt, uint32_t ssrc, uint64_t index)
{
	uint64_t high = __builtin_bswap64(ssrc), low = __builtin_bswap64(index << 16);
	uint64_t salt_high, salt_low;
	memcpy(&salt_high, salt, 8);
	memcpy(&salt_low, salt + 8, 8);
	salt_low &= 0xffffffffffff; // 14 bytes
	high ^= salt_high;
	low ^= salt_low;
	memcpy(iv, &high, 8);
	memcpy(iv + 8, &low, 8);
}

static inline void prefetch(const struct backend_op *op)
{
	const uint8_t *keys = state_keys(op->ctx);
	for (unsigned i = 0; i < 4; i++)
		__builtin_prefetch(keys + i * STATE_LINE);
	for (unsigned i = 0; i < 4; i++)
		__builtin_prefetch(op->data + i * STATE_LINE, 1);
}

void ipsec_mb_cm_prefetch(const struct backend_op *op)
{
	prefetch(op);
}

static inline void cipher_job(IMB_JOB *job, uint8_t *iv, const void *round_keys,
	const struct backend_op *op, uint32_t bytes)
{
	job->src = op->data;
	job->dst = op->data + op->clear;
	job->cipher_start_src_offset_in_bytes = op->clear;
	job->msg_len_to_cipher_in_bytes = bytes;
	job->enc_keys = round_keys;
	job->iv = iv;
	job->iv_len_in_bytes = 16;
}

static inline void hash_job(IMB_JOB *job, uint8_t *tag, const struct ipsec_mb_hmac *hmac,
	const struct backend_op *op, uint32_t bytes)
{
	job->src = op->data;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = bytes;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = MAC_BYTES;
	job->u.HMAC._hashed_auth_key_xor_ipad = hmac->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = hmac->outer;
	job->hash_alg = IMB_AUTH_HMAC_SHA_1;
}

// Both wait for all of their jobs, so these can be used again at once.
static inline bool run_cipher(struct ipsec_mb_thread *self, uint32_t n)
{
	return n == 0 || IMB_SUBMIT_CIPHER_BURST_NOCHECK(self->mgr, self->jobs, n, IMB_CIPHER_CNTR,
				 IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES) == n;
}

static inline bool run_hash(struct ipsec_mb_thread *self, uint32_t n)
{
	return n == 0 || IMB_SUBMIT_HASH_BURST_NOCHECK(
				 self->hash_mgr, self->jobs, n, IMB_AUTH_HMAC_SHA_1) == n;
}

static void fail(struct backend_op *const ops[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ops[i]->status = BURST_INTERNAL;
}

static inline struct ipsec_mb_thread *thread_get(void)
{
	return __builtin_expect(!!ipsec_mb_self, 1) || ipsec_mb_thread_start() == 0 ? ipsec_mb_self
										    : NULL;
}

// Ciphers the payload of all ops with status BURST_OK.
static inline bool cipher(struct ipsec_mb_thread *self, struct backend_op *const ops[], uint32_t n)
{
	uint32_t jobs = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		const struct ipsec_mb_cm_keys *keys = state_keys(op->ctx);
		if (op->status != BURST_OK || op->length == op->clear)
			continue;
		make_iv(self->ivs[jobs], op->ctx->salt, op->ssrc, op->index);
		cipher_job(&self->jobs[jobs], self->ivs[jobs], keys->round_keys, op,
			op->length - op->clear);
		jobs++;
	}
	return run_cipher(self, jobs);
}

// `more` ops behind these n are in their turn next.
typedef void (*round_fn)(
	struct ipsec_mb_thread *self, struct backend_op *const ops[], uint32_t n, uint32_t more);

static inline void fetch_ahead(struct backend_op *const ops[], uint32_t i, uint32_t end)
{
	if (i + BACKEND_PREFETCH < end)
		prefetch(ops[i + BACKEND_PREFETCH]);
}

static inline void protect_round(
	struct ipsec_mb_thread *self, struct backend_op *const ops[], uint32_t n, uint32_t more)
{
	for (uint32_t i = 0; i < n; i++) {
		fetch_ahead(ops, i, n + more);
		ops[i]->status = BURST_OK;
	}
	if (!cipher(self, ops, n))
		return fail(ops, n);
	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		const struct ipsec_mb_cm_keys *keys = state_keys(op->ctx);
		ipsec_mb_put32(op->data + op->length, op->index >> 16);
		hash_job(&self->jobs[i], self->tags[i], &keys->hmac, op, op->length + ROC);
	}
	if (!run_hash(self, n))
		return fail(ops, n);
	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint32_t tag = tag_bytes(op);
		copy_tag(op->data + op->length, self->tags[i], tag);
		op->length += tag;
	}
}

static void __attribute__((noinline)) keep_failed(struct backend_op *op, const uint8_t *tag)
{
	op->status = BURST_AUTH_FAILED;
	if (backend_keep == 0)
		return;
	backend_keep--;
	op->status = BACKEND_KEPT;
	copy_tag(op->data + op->length, tag, tag_bytes(op));
}

// The tags are verified before anything is deciphered. The rollover counter to be authenticated
// takes the place of the tag, which is at least as long.
static inline void unprotect_round(
	struct ipsec_mb_thread *self, struct backend_op *const ops[], uint32_t n, uint32_t more)
{
	uint8_t received[BURST_MAX][SUITE_TAG_MAX];

	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		const struct ipsec_mb_cm_keys *keys = state_keys(op->ctx);
		uint32_t tag = tag_bytes(op);
		fetch_ahead(ops, i, n + more);
		op->length -= tag;
		copy_tag(received[i], op->data + op->length, tag);
		ipsec_mb_put32(op->data + op->length, op->index >> 16);
		hash_job(&self->jobs[i], self->tags[i], &keys->hmac, op, op->length + ROC);
	}
	if (!run_hash(self, n))
		return fail(ops, n);
	for (uint32_t i = 0; i < n; i++) {
		ops[i]->status = BURST_OK;
		if (__builtin_expect(
			    differ_tag(received[i], self->tags[i], tag_bytes(ops[i])) != 0, 0))
			keep_failed(ops[i], received[i]);
	}
	if (!cipher(self, ops, n))
		fail(ops, n);
}

// In rounds, so that packets, keys and jobs are still in the first cache when they are hashed, or
// deciphered.
static inline void run_rounds(struct backend_op *const ops[], uint32_t n, round_fn run)
{
	struct ipsec_mb_thread *self = thread_get();
	if (!self)
		return fail(ops, n);

	for (uint32_t at = 0, now; at < n; at += now) {
		now = n - at < self->hash_lanes ? n - at : self->hash_lanes;
		run(self, ops + at, now, n - at - now);
	}
}

void ipsec_mb_cm_protect(struct backend_op *const ops[], uint32_t n)
{
	run_rounds(ops, n, protect_round);
}

void ipsec_mb_cm_unprotect(struct backend_op *const ops[], uint32_t n)
{
	run_rounds(ops, n, unprotect_round);
}

// ---- SRTCP: header, ciphered parts, trailer, tag (RFC 3711 section 3.4)

static bool rtcp_cipher(struct ipsec_mb_thread *self, const struct backend_op *op, uint32_t bytes)
{
	const struct ipsec_mb_rtcp_keys *keys = state_rtcp_keys(op->ctx);
	uint8_t round_keys[11 * 16] __attribute__((aligned(16)));
	uint8_t unused[11 * 16] __attribute__((aligned(16)));

	if (bytes == 0)
		return true;
	IMB_AES_KEYEXP_128(self->mgr, keys->key, round_keys, unused);
	make_iv(self->ivs[0], keys->salt, op->ssrc, op->index);
	cipher_job(&self->jobs[0], self->ivs[0], round_keys, op, bytes);
	bool ok = run_cipher(self, 1);
	explicit_bzero(round_keys, sizeof(round_keys));
	explicit_bzero(unused, sizeof(unused));
	return ok;
}

static bool rtcp_hash(struct ipsec_mb_thread *self, const struct backend_op *op, uint32_t bytes)
{
	const struct ipsec_mb_rtcp_keys *keys = state_rtcp_keys(op->ctx);
	struct ipsec_mb_hmac hmac;

	ipsec_mb_hmac_init(&hmac, keys->auth);
	hash_job(&self->jobs[0], self->tags[0], &hmac, op, bytes);
	bool ok = run_hash(self, 1);
	explicit_bzero(&hmac, sizeof(hmac));
	return ok;
}

void ipsec_mb_cm_protect_rtcp(struct backend_op *const ops[], uint32_t n)
{
	struct ipsec_mb_thread *self = thread_get();
	if (!self)
		return fail(ops, n);

	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint8_t *end = op->data + op->length;
		op->status = BURST_INTERNAL;
		if (!rtcp_cipher(self, op, op->length - op->clear))
			continue;
		ipsec_mb_put32(end, E_FLAG | (uint32_t)op->index);
		if (!rtcp_hash(self, op, op->length + TRAILER))
			continue;
		memcpy(end + TRAILER, self->tags[0], rtcp_tag_bytes(op));
		op->length += TRAILER + rtcp_tag_bytes(op);
		op->status = BURST_OK;
	}
}

void ipsec_mb_cm_unprotect_rtcp(struct backend_op *const ops[], uint32_t n)
{
	struct ipsec_mb_thread *self = thread_get();
	if (!self)
		return fail(ops, n);

	for (uint32_t i = 0; i < n; i++) {
		struct backend_op *op = ops[i];
		uint32_t bytes = op->length - rtcp_tag_bytes(op);
		op->status = BURST_INTERNAL;
		if (!rtcp_hash(self, op, bytes))
			continue;
		op->status = BURST_AUTH_FAILED;
		if (ipsec_mb_differ(op->data + bytes, self->tags[0], rtcp_tag_bytes(op)))
			continue;
		op->length = bytes - TRAILER;
		op->status =
			rtcp_cipher(self, op, op->length - op->clear) ? BURST_OK : BURST_INTERNAL;
	}
}
