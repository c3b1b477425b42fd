// SPDX-License-Identifier: BSD-3-Clause
// What the files of the ipsec-mb back end share.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NO_COMPAT_IMB_API_053 // no GCM, CBC, ENCRYPT ... as macros
#include <intel-ipsec-mb.h>

#include "crypto/backend.h"
#include "crypto/burst.h"

// A context's SRTP keys: struct gcm_key_data, or this.
struct ipsec_mb_hmac {
	uint8_t inner[IMB_SHA1_DIGEST_SIZE_IN_BYTES];
	uint8_t outer[IMB_SHA1_DIGEST_SIZE_IN_BYTES];
};

struct ipsec_mb_cm_keys {
	uint8_t round_keys[11 * 16];
	struct ipsec_mb_hmac hmac;
};

// Its SRTCP keys, expanded for each packet: SRTCP is rare, an expanded GCM key is 1,008 bytes. What
// is behind the first 16 bytes of the key is of the suite: the rest of 32, or the key of HMAC.
struct ipsec_mb_rtcp_keys {
	uint8_t salt[16];
	uint8_t key[16];
	union {
		uint8_t key_rest[16];
		uint8_t auth[24]; // 20 used
	};
};
#define IPSEC_MB_AUTH_KEY_BYTES 20

// The manager holds the functions for this CPU. Its direct functions are of no state and serve all
// threads; the burst calls need one of the thread's own.
extern IMB_MGR *ipsec_mb_mgr;

struct ipsec_mb_thread {
	IMB_MGR *mgr;
	IMB_MGR *hash_mgr;   // for HMAC-SHA1 alone
	uint32_t hash_lanes; // packets it should get at a time
	IMB_JOB jobs[BURST_MAX];
	uint8_t ivs[BURST_MAX][16];
	uint8_t tags[BURST_MAX][24];
} __attribute__((aligned(64)));
extern __thread struct ipsec_mb_thread *ipsec_mb_self; // NULL until the thread's first use

int ipsec_mb_thread_start(void); // 0 or -ENOMEM

static inline uint32_t ipsec_mb_be32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline void ipsec_mb_put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

// 0 if equal, in a time that depends on the length alone.
static inline uint8_t ipsec_mb_differ(const uint8_t *a, const uint8_t *b, uint32_t bytes)
{
	uint8_t differ = 0;
	for (uint32_t i = 0; i < bytes; i++)
		differ |= a[i] ^ b[i];
	__asm__ volatile("" : "+r"(differ));
	return differ;
}

// The same for the 16 bytes of AES-GCM's tag.
static inline uint64_t ipsec_mb_differ16(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2], y[2], differ;
	memcpy(x, a, 16);
	memcpy(y, b, 16);
	differ = (x[0] ^ y[0]) | (x[1] ^ y[1]);
	__asm__ volatile("" : "+r"(differ));
	return differ;
}

// The states of SHA-1 after the first block of HMAC's inner and outer hash (RFC 2104).
void ipsec_mb_hmac_init(struct ipsec_mb_hmac *hmac, const uint8_t *key);

void ipsec_mb_gcm_start(void); // learns what to prefetch on this CPU
void ipsec_mb_gcm_expand(enum suite_id suite, const uint8_t *key, struct gcm_key_data *expanded);
void ipsec_mb_gcm_prefetch(const struct backend_op *op);
void ipsec_mb_gcm128_protect(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_gcm128_unprotect(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_gcm256_protect(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_gcm256_unprotect(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_gcm_protect_rtcp(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_gcm_unprotect_rtcp(struct backend_op *const ops[], uint32_t n);

void ipsec_mb_cm_prefetch(const struct backend_op *op);
void ipsec_mb_cm_protect(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_cm_unprotect(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_cm_protect_rtcp(struct backend_op *const ops[], uint32_t n);
void ipsec_mb_cm_unprotect_rtcp(struct backend_op *const ops[], uint32_t n);
