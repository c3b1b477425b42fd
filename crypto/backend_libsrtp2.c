// SPDX-License-Identifier: BSD-3-Clause
// The libsrtp2 back end: the reference, and the fallback on CPUs that ipsec-mb does not serve. Runs
// on workers; contexts are made on the control thread.
//
// libsrtp2 keeps rollover counter and windows of its own. They cannot get out of step: it is given
// a packet only after the common part has found the same index free by the same rule, its windows
// have the same size, and it too commits only what authenticates. So it commits exactly what the
// common part commits, or both refuse.
#include "crypto/backend.h"

#include <errno.h>
#include <string.h>

#include <srtp2/srtp.h>

#include "crypto/burst.h"
#include "crypto/state.h"

#define FINGERPRINT    16
#define FINGERPRINT_AT 9216 // bytes of payload, more than packets have

struct keys {
	srtp_t session;			  // SSRCs come and go from its template
	uint8_t fingerprint[FINGERPRINT]; // of the session keys: libsrtp2 does not show them
};

static const srtp_profile_t profiles[SUITE_COUNT] = {
	[SUITE_AEAD_AES_128_GCM] = srtp_profile_aead_aes_128_gcm,
	[SUITE_AEAD_AES_256_GCM] = srtp_profile_aead_aes_256_gcm,
	[SUITE_AES_CM_128_HMAC_SHA1_80] = srtp_profile_aes128_cm_sha1_80,
	[SUITE_AES_CM_128_HMAC_SHA1_32] = srtp_profile_aes128_cm_sha1_32,
};

// The default handler prints, and libsrtp2 takes seek() for a collision.
static void ignore_event(srtp_event_data_t *event)
{
	(void)event;
}

static int start(void)
{
	if (srtp_init() != srtp_err_status_ok)
		return -ENOTSUP;
	srtp_install_event_handler(ignore_event);
	return 0;
}

static void stop(void)
{
	srtp_shutdown();
}

// AES in counter mode tells nothing of its key: what it adds to zeros, where no packet has bytes,
// stands for key and salt. The session forgets the SSRC.
static srtp_err_status_t take_fingerprint(struct keys *keys)
{
	uint8_t packet[12 + FINGERPRINT_AT + FINGERPRINT + SRTP_MAX_TRAILER_LEN]
		__attribute__((aligned(8))) = {0x80};
	int length = 12 + FINGERPRINT_AT + FINGERPRINT;
	srtp_err_status_t error = srtp_protect(keys->session, packet, &length);

	if (!error)
		error = srtp_remove_stream(keys->session, 0);
	memcpy(keys->fingerprint, packet + 12 + FINGERPRINT_AT, FINGERPRINT);
	explicit_bzero(packet, sizeof(packet));
	return error;
}

static int key_init(struct context *ctx, const struct context_params *params)
{
	const struct suite *suite = &suite_table[params->suite];
	struct keys *keys = state_keys(ctx);
	uint8_t master[SUITE_KEY_MAX + SUITE_SALT_MAX];
	srtp_policy_t policy = {
		.ssrc.type =
			params->direction == CONTEXT_PROTECT ? ssrc_any_outbound : ssrc_any_inbound,
		.key = master,
		.window_size = state_window(ctx),
	};

	memcpy(master, params->key, suite->key_bytes);
	memcpy(master + suite->key_bytes, params->salt, suite->salt_bytes);
	srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profiles[params->suite]);
	srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profiles[params->suite]);
	srtp_err_status_t error = srtp_create(&keys->session, &policy);
	explicit_bzero(master, sizeof(master));
	if (error)
		return -ENOMEM;
	if (take_fingerprint(keys) == srtp_err_status_ok)
		return 0;
	srtp_dealloc(keys->session);
	return -ENOMEM;
}

static bool same_keys(const struct context *a, const struct context *b)
{
	const struct keys *of_a = state_keys(a), *of_b = state_keys(b);
	uint8_t differ = 0;

	for (unsigned i = 0; i < FINGERPRINT; i++)
		differ |= of_a->fingerprint[i] ^ of_b->fingerprint[i];
	__asm__ volatile("" : "+r"(differ));
	return !differ;
}

static void key_fini(struct context *ctx)
{
	struct keys *keys = state_keys(ctx);
	srtp_dealloc(keys->session);
}

// Protects a packet made up for the purpose, and drops it: libsrtp2 notes its index.
static srtp_err_status_t protect_scratch(srtp_t session, uint32_t ssrc, uint16_t seq)
{
	uint8_t packet[12 + SRTP_MAX_TRAILER_LEN]
		__attribute__((aligned(8))) = {0x80, 0, seq >> 8, seq & 0xff};
	int length = 12;
	ssrc = __builtin_bswap32(ssrc);
	memcpy(packet + 8, &ssrc, 4);
	return srtp_protect(session, packet, &length);
}

// libsrtp2 has no call that sets an index. A packet makes it begin the SSRC in round zero; with a
// pending rollover counter set, another takes it to that round.
static int seek(struct context *ctx, uint32_t ssrc, uint64_t index)
{
	struct keys *keys = state_keys(ctx);
	uint32_t roc = index >> 16;
	uint16_t seq = index & 0xffff;

	if (protect_scratch(keys->session, ssrc, seq) != srtp_err_status_ok)
		return -ENOMEM;
	if (roc != 0 && (srtp_set_stream_roc(keys->session, ssrc, roc) != srtp_err_status_ok ||
				protect_scratch(keys->session, ssrc, seq) != srtp_err_status_ok)) {
		srtp_remove_stream(keys->session, __builtin_bswap32(ssrc));
		return -ENOMEM;
	}
	return 0;
}

typedef srtp_err_status_t (*srtp_function)(srtp_t session, void *packet, int *length);

static inline void transform(struct backend_op *const ops[], uint32_t n, srtp_function function,
	enum burst_status failed)
{
	for (uint32_t i = 0; i < n; i++) {
		struct keys *keys = state_keys(ops[i]->ctx);
		int length = (int)ops[i]->length;
		srtp_err_status_t error = function(keys->session, ops[i]->data, &length);
		if (error == srtp_err_status_ok)
			ops[i]->status = BURST_OK;
		else
			ops[i]->status =
				error == srtp_err_status_alloc_fail ? BURST_INTERNAL : failed;
		ops[i]->length = (uint32_t)length;
	}
}

static void protect(struct backend_op *const ops[], uint32_t n)
{
	transform(ops, n, srtp_protect, BURST_INTERNAL);
}

static void unprotect(struct backend_op *const ops[], uint32_t n)
{
	transform(ops, n, srtp_unprotect, BURST_AUTH_FAILED);
}

static void protect_rtcp(struct backend_op *const ops[], uint32_t n)
{
	transform(ops, n, srtp_protect_rtcp, BURST_INTERNAL);
}

static void unprotect_rtcp(struct backend_op *const ops[], uint32_t n)
{
	transform(ops, n, srtp_unprotect_rtcp, BURST_AUTH_FAILED);
}

#define TRANSFORMS                                                                                 \
	{                                                                                          \
		{                                                                                  \
			[BACKEND_PROTECT] = protect,                                               \
			[BACKEND_UNPROTECT] = unprotect,                                           \
			[BACKEND_PROTECT_RTCP] = protect_rtcp,                                     \
			[BACKEND_UNPROTECT_RTCP] = unprotect_rtcp,                                 \
		},                                                                                 \
			NULL, sizeof(struct keys), 0                                               \
	}

const struct backend backend_libsrtp2 = {
	.name = "libsrtp2",
	.start = start,
	.stop = stop,
	.key_init = key_init,
	.same_keys = same_keys,
	.key_fini = key_fini,
	.seek = seek,
	.suites = {TRANSFORMS, TRANSFORMS, TRANSFORMS, TRANSFORMS},
};
