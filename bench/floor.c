// SPDX-License-Identifier: BSD-3-Clause
// The floor of the SRTP benchmark. One thread.
#include "bench/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#include <rte_common.h>

#include "bench/bench.h"

#define HEADER	   12
#define BURST	   32
#define AHEAD	   6 // packets to prefetch: 4 to 8 were best, 16 worse
#define GCM_STRIDE 1024
#define CM_STRIDE  256 // 176 bytes of round keys, 2 * 20 of HMAC

struct floor {
	IMB_MGR *mgr;
	uint8_t *keys;
	size_t stride;
	bool gcm, wide;
	uint32_t key_lines, hash_first, hash_end, data_lines; // to prefetch
	IMB_JOB jobs[BURST];
	uint8_t tags[BURST][32], ivs[BURST][16];
};

struct floor *floor_new(enum suite_id suite, uint32_t streams)
{
	struct floor *floor = calloc(1, sizeof(*floor));
	if (!floor || !(floor->mgr = alloc_mb_mgr(0)))
		abort();
	init_mb_mgr_auto(floor->mgr, NULL);
	floor->wide = suite == SUITE_AEAD_AES_256_GCM;
	floor->gcm = floor->wide || suite == SUITE_AEAD_AES_128_GCM;
	floor->stride = floor->gcm ? GCM_STRIDE : CM_STRIDE;
	floor->keys = bench_memory(floor->stride * streams);
	for (uint32_t i = 0; i < streams; i++) {
		uint8_t key[32] = {0}, unused[15 * 16] __attribute__((aligned(16)));
		uint8_t *at = floor->keys + i * floor->stride;
		memcpy(key, &i, sizeof(i));
		if (floor->wide)
			IMB_AES256_GCM_PRE(floor->mgr, key, (struct gcm_key_data *)at);
		else if (floor->gcm)
			IMB_AES128_GCM_PRE(floor->mgr, key, (struct gcm_key_data *)at);
		else
			IMB_AES_KEYEXP_128(floor->mgr, key, at, unused);
	}
	return floor;
}

void floor_free(struct floor *floor)
{
	free_mb_mgr(floor->mgr);
	bench_memory_free(floor->keys);
	free(floor);
}

const char *floor_arch(void)
{
	static const char *const names[] = {
		[IMB_ARCH_NONE] = "none",
		[IMB_ARCH_NOAESNI] = "no AES-NI",
		[IMB_ARCH_SSE] = "SSE",
		[IMB_ARCH_AVX] = "AVX",
		[IMB_ARCH_AVX2] = "AVX2",
		[IMB_ARCH_AVX512] = "AVX-512",
	};
	IMB_MGR *mgr = alloc_mb_mgr(0);
	IMB_ARCH arch = IMB_ARCH_NONE;

	if (!mgr)
		abort();
	init_mb_mgr_auto(mgr, &arch);
	free_mb_mgr(mgr);
	return arch < IMB_ARCH_NUM ? names[arch] : "?";
}

// Which lines of struct gcm_key_data a packet reads: the round keys, then powers of the hash key.
// With AVX-512 and VAES these are the last of 48, as many as the packet has blocks.
static void find_lines(struct floor *floor, uint32_t length)
{
	const uint64_t vaes = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
	bool last =
		floor->mgr->used_arch == IMB_ARCH_AVX512 && (floor->mgr->features & vaes) == vaes;

	floor->key_lines = !floor->gcm ? 4 : floor->wide ? 4 : 3;
	floor->hash_end = !floor->gcm				   ? 0
			  : last				   ? 16
			  : floor->mgr->used_arch >= IMB_ARCH_AVX2 ? 6
								   : 8;
	floor->hash_first = !floor->gcm ? 0 : last ? 14 - RTE_MIN(length / 64, 11u) : 3;
	floor->data_lines = (length + 63) / 64;
}

static inline void prefetch(const struct floor *floor, uint32_t stream, const uint8_t *data)
{
	const uint8_t *keys = floor->keys + stream * floor->stride;

	for (unsigned i = 0; i < floor->key_lines; i++)
		__builtin_prefetch(keys + i * 64);
	for (unsigned i = floor->hash_first; i < floor->hash_end; i++)
		__builtin_prefetch(keys + i * 64);
	for (unsigned i = 0; i < floor->data_lines; i++)
		__builtin_prefetch(data + i * 64, 1);
}

static void run_gcm(struct floor *floor, aes_gcm_enc_dec_t crypt, const uint32_t stream[],
	uint8_t *const data[], uint32_t length, uint32_t n)
{
	struct gcm_context_data gcm;
	uint8_t iv[12] = {0}, tag[16];
	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			prefetch(floor, stream[i + AHEAD], data[i + AHEAD]);
		memcpy(iv, &i, sizeof(i));
		crypt((struct gcm_key_data *)(floor->keys + stream[i] * floor->stride), &gcm,
			data[i] + HEADER, data[i] + HEADER, length - HEADER, iv, data[i], HEADER,
			tag, sizeof(tag));
	}
}

static void cipher(struct floor *floor, const uint32_t stream[], uint8_t *const data[],
	uint32_t length, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		IMB_JOB *job = &floor->jobs[i];
		job->src = data[i];
		job->dst = data[i] + HEADER;
		job->cipher_start_src_offset_in_bytes = HEADER;
		job->msg_len_to_cipher_in_bytes = length - HEADER;
		job->enc_keys = floor->keys + stream[i] * floor->stride;
		job->iv = floor->ivs[i];
		job->iv_len_in_bytes = 16;
	}
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(
		floor->mgr, floor->jobs, n, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
}

static void hash(struct floor *floor, const uint32_t stream[], uint8_t *const data[],
	uint32_t length, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		IMB_JOB *job = &floor->jobs[i];
		const uint8_t *keys = floor->keys + stream[i] * floor->stride + 176;
		job->src = data[i];
		job->hash_start_src_offset_in_bytes = 0;
		job->msg_len_to_hash_in_bytes = length + 4;
		job->auth_tag_output = floor->tags[i];
		job->auth_tag_output_len_in_bytes = 12;
		job->hash_alg = IMB_AUTH_HMAC_SHA_1;
		job->u.HMAC._hashed_auth_key_xor_ipad = keys;
		job->u.HMAC._hashed_auth_key_xor_opad = keys + 20;
	}
	IMB_SUBMIT_HASH_BURST_NOCHECK(floor->mgr, floor->jobs, n, IMB_AUTH_HMAC_SHA_1);
}

// The whole burst is fetched first; fetching a burst ahead was slower.
static void run_cm(struct floor *floor, bool protect, const uint32_t stream[],
	uint8_t *const data[], uint32_t length, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += BURST) {
		uint32_t now = n - i < BURST ? n - i : BURST;
		for (uint32_t j = i; j < i + now; j++)
			prefetch(floor, stream[j], data[j]);
		if (protect)
			cipher(floor, stream + i, data + i, length, now);
		hash(floor, stream + i, data + i, length, now);
		if (!protect)
			cipher(floor, stream + i, data + i, length, now);
	}
}

void floor_run(struct floor *floor, bool protect, const uint32_t stream[], uint8_t *const data[],
	uint32_t length, uint32_t n)
{
	find_lines(floor, length);
	if (!floor->gcm)
		run_cm(floor, protect, stream, data, length, n);
	else if (floor->wide)
		run_gcm(floor, protect ? floor->mgr->gcm256_enc : floor->mgr->gcm256_dec, stream,
			data, length, n);
	else
		run_gcm(floor, protect ? floor->mgr->gcm128_enc : floor->mgr->gcm128_dec, stream,
			data, length, n);
}
