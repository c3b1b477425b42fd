// SPDX-License-Identifier: BSD-3-Clause
// What a crypto back end does: transform packets that the common part (burst.c) has parsed, given
// an index and checked. It decides nothing else, but may keep state of its own that follows the
// common part's. The transforms run on workers, the rest on the control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/context.h"

// One packet to transform in place.
struct backend_op {
	struct context *ctx;
	uint8_t *data;
	uint32_t length; // in: bytes of the packet; out: after the transform
	uint32_t clear;	 // bytes at its front that are authenticated but not encrypted
	uint64_t index;	 // SRTP: 48 bits; SRTCP: 31 bits
	uint32_t ssrc;
	uint8_t status; // out: BURST_OK, BURST_AUTH_FAILED, BURST_INTERNAL or BACKEND_KEPT
	// burst.c's own
	uint8_t stage;
	struct replay *replay;
};

// As BURST_AUTH_FAILED, and the bytes are as they came; see burst_keep_failed().
#define BACKEND_KEPT 0xff
// How many more the thread keeps. Where that costs something, a back end keeps none without.
extern __thread uint32_t backend_keep;

// Transforms n ops of contexts of one suite, in order: those of one SSRC depend on each other.
// `data` has room for BURST_ROOM more bytes when protecting. Unprotecting leaves no plaintext that
// did not authenticate.
typedef void (*backend_transform)(struct backend_op *const ops[], uint32_t n);

enum backend_kind {
	BACKEND_PROTECT,
	BACKEND_UNPROTECT,
	BACKEND_PROTECT_RTCP,
	BACKEND_UNPROTECT_RTCP,
	BACKEND_KIND_COUNT,
};

struct backend_suite {
	backend_transform transform[BACKEND_KIND_COUNT];
	// Fetches what transforming an op of SRTP will read; NULL: nothing to gain. Called for the
	// first BACKEND_PREFETCH ops of a burst as they are prepared; a back end that works on many
	// streams fetches the others itself, that many ahead.
	void (*prefetch)(const struct backend_op *op);
	uint16_t key_bytes, rtcp_key_bytes; // of a context's key areas; multiples of 8
};

#define BACKEND_PREFETCH 6 // ops

struct backend {
	const char *name;
	bool pure; // a transform of SRTP reads keys, and writes to nothing but ops and data
	int (*start)(void); // 0, or -ENOTSUP when this machine cannot run it
	void (*stop)(void);
	int (*thread_start)(void); // may be NULL; 0 or -ENOMEM
	// Fills the key areas (and ctx->salt); 0 or -errno. The rest of the context is set.
	int (*key_init)(struct context *ctx, const struct context_params *params);
	// Whether both contexts, of this back end and of one suite, have the same session keys.
	bool (*same_keys)(const struct context *a, const struct context *b);
	void (*key_fini)(struct context *ctx); // may be NULL; the areas are wiped afterwards
	// Brings a back end with indices of its own to that of a new SSRC; may be NULL. 0 or
	// -errno.
	int (*seek)(struct context *ctx, uint32_t ssrc, uint64_t index);
	struct backend_suite suites[SUITE_COUNT];
};

extern const struct backend backend_ipsec_mb;
extern const struct backend backend_libsrtp2;
