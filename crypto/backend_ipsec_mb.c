// SPDX-License-Identifier: BSD-3-Clause
// The intel-ipsec-mb back end: its start, a context's keys, and what it keeps for each worker. The
// transforms are in ipsec_mb_gcm.c and ipsec_mb_cm.c.
#include "crypto/ipsec_mb.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/derive.h"
#include "crypto/state.h"

IMB_MGR *ipsec_mb_mgr;
__thread struct ipsec_mb_thread *ipsec_mb_self;

static pthread_key_t thread_key; // frees a thread's state when it ends

static IMB_MGR *mgr_checked(IMB_MGR *mgr)
{
	if (mgr && imb_get_errno(mgr) != 0) {
		free_mb_mgr(mgr);
		return NULL;
	}
	return mgr;
}

static IMB_MGR *mgr_new(void)
{
	IMB_MGR *mgr = alloc_mb_mgr(0);

	if (mgr)
		init_mb_mgr_auto(mgr, NULL);
	return mgr_checked(mgr);
}

// For HMAC-SHA1. ipsec-mb's choice for AVX and AVX2 hashes 8 packets side by side in vectors; two
// at a time by the SHA instructions, which only its SSE code uses, take 11 % less (105 against 118
// ns of 176 bytes on Zen 3), and are as fast with few packets as with many. AVX-512 has 16 lanes.
static bool hash_start(struct ipsec_mb_thread *self)
{
	IMB_MGR *mgr = alloc_mb_mgr(0);

	self->hash_lanes = BURST_MAX;
	if (!mgr)
		return false;
	if ((self->mgr->features & IMB_FEATURE_SHANI) && self->mgr->used_arch < IMB_ARCH_AVX512) {
		init_mb_mgr_sse(mgr);
		self->hash_lanes = 8;
	} else {
		init_mb_mgr_auto(mgr, NULL);
	}
	self->hash_mgr = mgr_checked(mgr);
	return self->hash_mgr;
}

static void thread_free(void *thread)
{
	struct ipsec_mb_thread *self = thread;

	if (self->mgr)
		free_mb_mgr(self->mgr);
	if (self->hash_mgr)
		free_mb_mgr(self->hash_mgr);
	explicit_bzero(self, sizeof(*self));
	free(self);
	ipsec_mb_self = NULL;
}

static int start(void)
{
	const uint64_t needed =
		IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SELF_TEST_PASS;

	ipsec_mb_mgr = mgr_new();
	if (!ipsec_mb_mgr)
		return -ENOTSUP;
	// Without these it computes with tables in memory: slow, and its timing tells of the key
	if ((ipsec_mb_mgr->features & needed) != needed ||
		pthread_key_create(&thread_key, thread_free) != 0) {
		free_mb_mgr(ipsec_mb_mgr);
		return -ENOTSUP;
	}
	ipsec_mb_gcm_start();
	return 0;
}

static void stop(void)
{
	if (ipsec_mb_self)
		thread_free(ipsec_mb_self);
	pthread_key_delete(thread_key);
	free_mb_mgr(ipsec_mb_mgr);
	ipsec_mb_mgr = NULL;
}

int ipsec_mb_thread_start(void)
{
	if (ipsec_mb_self)
		return 0;
	struct ipsec_mb_thread *self = aligned_alloc(STATE_LINE, sizeof(*self));
	if (!self)
		return -ENOMEM;
	memset(self, 0, sizeof(*self));
	self->mgr = mgr_new();
	if (!self->mgr || !hash_start(self) || pthread_setspecific(thread_key, self) != 0) {
		thread_free(self);
		return -ENOMEM;
	}
	ipsec_mb_self = self;
	return 0;
}

void ipsec_mb_hmac_init(struct ipsec_mb_hmac *hmac, const uint8_t *key)
{
	uint8_t block[IMB_SHA1_BLOCK_SIZE];

	memset(block, 0x36, sizeof(block));
	for (int i = 0; i < IPSEC_MB_AUTH_KEY_BYTES; i++)
		block[i] ^= key[i];
	IMB_SHA1_ONE_BLOCK(ipsec_mb_mgr, block, hmac->inner);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	IMB_SHA1_ONE_BLOCK(ipsec_mb_mgr, block, hmac->outer);
	explicit_bzero(block, sizeof(block));
}

static void cm_expand(struct context *ctx, const uint8_t *key, const uint8_t *auth)
{
	struct ipsec_mb_cm_keys *keys = state_keys(ctx);
	uint8_t unused[16 * 11] __attribute__((aligned(16)));

	IMB_AES_KEYEXP_128(ipsec_mb_mgr, key, keys->round_keys, unused);
	ipsec_mb_hmac_init(&keys->hmac, auth);
	explicit_bzero(unused, sizeof(unused));
}

static int key_init(struct context *ctx, const struct context_params *params)
{
	const struct suite *suite = &suite_table[params->suite];
	struct ipsec_mb_rtcp_keys *rtcp = state_rtcp_keys(ctx);
	uint8_t key[SUITE_KEY_MAX], auth[IPSEC_MB_AUTH_KEY_BYTES];
	const struct derive_part parts[] = {
		{DERIVE_RTP_SALT, ctx->salt, suite->salt_bytes},
		{DERIVE_RTCP_KEY, rtcp->key, suite->key_bytes},
		{DERIVE_RTCP_SALT, rtcp->salt, suite->salt_bytes},
		{DERIVE_RTP_KEY, key, suite->key_bytes},
		{DERIVE_RTP_AUTH, auth, sizeof(auth)}, // this and the next not for AES-GCM
		{DERIVE_RTCP_AUTH, rtcp->auth, IPSEC_MB_AUTH_KEY_BYTES},
	};
	int error = derive_keys(params->key, suite->key_bytes, params->salt, suite->salt_bytes,
		parts, state_is_gcm(ctx) ? 4 : 6);

	if (!error && state_is_gcm(ctx))
		ipsec_mb_gcm_expand(params->suite, key, state_keys(ctx));
	else if (!error)
		cm_expand(ctx, key, auth);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(auth, sizeof(auth));
	return error;
}

static bool same_keys(const struct context *a, const struct context *b)
{
	const struct backend_suite *suite = state_transforms(a);
	uint8_t differ = ipsec_mb_differ(a->salt, b->salt, sizeof(a->salt));

	differ |= ipsec_mb_differ(state_keys(a), state_keys(b), suite->key_bytes);
	differ |= ipsec_mb_differ(state_rtcp_keys(a), state_rtcp_keys(b), suite->rtcp_key_bytes);
	return !differ;
}

#define CM                                                                                         \
	{                                                                                          \
		{                                                                                  \
			[BACKEND_PROTECT] = ipsec_mb_cm_protect,                                   \
			[BACKEND_UNPROTECT] = ipsec_mb_cm_unprotect,                               \
			[BACKEND_PROTECT_RTCP] = ipsec_mb_cm_protect_rtcp,                         \
			[BACKEND_UNPROTECT_RTCP] = ipsec_mb_cm_unprotect_rtcp,                     \
		},                                                                                 \
			ipsec_mb_cm_prefetch, sizeof(struct ipsec_mb_cm_keys),                     \
			sizeof(struct ipsec_mb_rtcp_keys)                                          \
	}

#define GCM(bits)                                                                                  \
	{                                                                                          \
		{                                                                                  \
			[BACKEND_PROTECT] = ipsec_mb_gcm##bits##_protect,                          \
			[BACKEND_UNPROTECT] = ipsec_mb_gcm##bits##_unprotect,                      \
			[BACKEND_PROTECT_RTCP] = ipsec_mb_gcm_protect_rtcp,                        \
			[BACKEND_UNPROTECT_RTCP] = ipsec_mb_gcm_unprotect_rtcp,                    \
		},                                                                                 \
			ipsec_mb_gcm_prefetch, sizeof(struct gcm_key_data),                        \
			offsetof(struct ipsec_mb_rtcp_keys, key) + bits / 8                        \
	}

const struct backend backend_ipsec_mb = {
	.name = "ipsec_mb",
	.pure = true,
	.start = start,
	.stop = stop,
	.thread_start = ipsec_mb_thread_start,
	.key_init = key_init,
	.same_keys = same_keys,
	.suites =
		{
			[SUITE_AEAD_AES_128_GCM] = GCM(128),
			[SUITE_AEAD_AES_256_GCM] = GCM(256),
			[SUITE_AES_CM_128_HMAC_SHA1_80] = CM,
			[SUITE_AES_CM_128_HMAC_SHA1_32] = CM,
		},
};
