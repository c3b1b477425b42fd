// SPDX-License-Identifier: BSD-3-Clause
// The back ends against each other and against libsrtp2 called directly, byte for byte over random
// packets: all suites, SRTP and SRTCP, both directions, with what a network does to packets.
#include <stdlib.h>

#include <criterion/criterion.h>
#include <srtp2/srtp.h>

#include "tests/unit/crypto_util.h"

#define PACKETS_MAX 1500
#define SSRCS	    3

// One way from a sender to a receiver, threefold.
struct path {
	bool rtcp;
	struct context *tx[2], *rx[2]; // ipsec_mb, libsrtp2
	srtp_t raw_tx, raw_rx;
	uint64_t rng;
	uint16_t seq[SSRCS];
	struct util_packet wire[256]; // the last packets sent, to come late or twice
	uint32_t sent;
	uint32_t good, bad; // what the receivers said
};

static srtp_t raw_new(enum suite_id suite, bool tx, uint16_t window)
{
	static const srtp_profile_t profiles[] = {srtp_profile_aead_aes_128_gcm,
		srtp_profile_aead_aes_256_gcm, srtp_profile_aes128_cm_sha1_80,
		srtp_profile_aes128_cm_sha1_32};
	uint8_t key[46];
	srtp_policy_t policy = {
		.ssrc.type = tx ? ssrc_any_outbound : ssrc_any_inbound,
		.key = key,
		.window_size = window,
	};
	memcpy(key, util_key, suite_table[suite].key_bytes);
	memcpy(key + suite_table[suite].key_bytes, util_salt, suite_table[suite].salt_bytes);
	srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profiles[suite]);
	srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profiles[suite]);
	srtp_t session;
	cr_assert_eq(srtp_create(&session, &policy), srtp_err_status_ok);
	return session;
}

static void path_init(struct path *path, enum suite_id suite, bool rtcp, uint16_t window)
{
	memset(path, 0, sizeof(*path));
	path->rtcp = rtcp;
	path->rng = 77 + suite * 2 + rtcp;
	for (int b = 0; b < 2; b++) {
		path->tx[b] = util_context(util_backends[b], suite, CONTEXT_PROTECT, window, SSRCS);
		path->rx[b] =
			util_context(util_backends[b], suite, CONTEXT_UNPROTECT, window, SSRCS);
		cr_assert(path->tx[b] && path->rx[b]);
	}
	path->raw_tx = raw_new(suite, true, window);
	path->raw_rx = raw_new(suite, false, window);
	for (int i = 0; i < SSRCS; i++)
		path->seq[i] = i == 0 ? 0xff80 : (uint16_t)util_random(&path->rng);
}

static void path_fini(struct path *path)
{
	for (int b = 0; b < 2; b++) {
		context_free(path->tx[b]);
		context_free(path->rx[b]);
	}
	srtp_dealloc(path->raw_tx);
	srtp_dealloc(path->raw_rx);
}

static void fill(struct path *path, struct util_packet *p, uint32_t from)
{
	for (uint32_t i = from; i < p->length; i++)
		p->data[i] = (uint8_t)util_random(&path->rng);
}

// Random in all that an RTP packet may be.
static struct util_packet make_rtp(struct path *path)
{
	uint32_t ssrc = util_below(&path->rng, SSRCS), step = util_below(&path->rng, 100);
	// Mostly the next; sometimes a gap, rarely a jump that brings the next round nearer
	path->seq[ssrc] += step < 80 ? 1 : step < 99 ? util_below(&path->rng, 40) : 9000;
	struct util_packet p = util_rtp(0x1000 + ssrc, path->seq[ssrc], 0);
	uint32_t kind = util_below(&path->rng, 8), csrcs = 0, extension = 0;
	if (kind == 0)
		csrcs = util_below(&path->rng, 16);
	if (kind <= 1)
		extension = 1 + util_below(&path->rng, 12);
	p.data[0] |= csrcs | (extension ? 0x10 : 0);
	p.data[1] = (uint8_t)util_random(&path->rng);
	uint32_t header = 12 + 4 * csrcs + 4 * extension;
	uint32_t most = util_below(&path->rng, 4) ? 200 : PACKETS_MAX;
	p.length = header + util_below(&path->rng, most - 180 + 1);
	fill(path, &p, 12);
	if (extension)
		util_put16(p.data + 14 + 4 * csrcs, extension - 1);
	return p;
}

static struct util_packet make_rtcp(struct path *path)
{
	struct util_packet p =
		util_rtcp(0x1000 + util_below(&path->rng, SSRCS), util_below(&path->rng, 100));
	fill(path, &p, 16);
	return p;
}

// Sends n new packets through all senders and compares what comes out.
static void send_burst(struct path *path, uint32_t n)
{
	struct util_packet made[BURST_MAX], a[BURST_MAX], b[BURST_MAX];
	uint8_t status_a[BURST_MAX], status_b[BURST_MAX];
	util_burst burst = path->rtcp ? burst_protect_rtcp : burst_protect;

	for (uint32_t i = 0; i < n; i++)
		made[i] = a[i] = b[i] = path->rtcp ? make_rtcp(path) : make_rtp(path);
	util_many(burst, path->tx[0], a, status_a, n);
	util_many(burst, path->tx[1], b, status_b, n);
	for (uint32_t i = 0; i < n; i++) {
		struct util_packet *raw = &path->wire[path->sent % 256];
		*raw = made[i];
		int length = (int)raw->length;
		srtp_err_status_t error =
			path->rtcp ? srtp_protect_rtcp(path->raw_tx, raw->data, &length)
				   : srtp_protect(path->raw_tx, raw->data, &length);
		raw->length = (uint32_t)length;
		cr_assert_eq(status_a[i], status_b[i]);
		cr_assert_eq(status_a[i] == BURST_OK, error == srtp_err_status_ok, "%s, raw %d",
			burst_status_names[status_a[i]], error);
		if (status_a[i] != BURST_OK)
			continue;
		cr_assert(
			util_same(&a[i], raw), "packet %u of %u bytes", path->sent, made[i].length);
		cr_assert(
			util_same(&b[i], raw), "packet %u of %u bytes", path->sent, made[i].length);
		path->sent++;
	}
}

// A packet as the network may hand it over: in its turn, late, again, spoilt, cut short.
static struct util_packet receive_one(struct path *path, uint32_t *next)
{
	uint32_t kind = util_below(&path->rng, 20);
	uint32_t back = util_below(&path->rng, 200);
	uint32_t which = kind < 12 || back >= *next ? (*next)++ : *next - back;
	struct util_packet p = path->wire[which % 256];
	if (kind == 16 || kind == 17) {
		uint32_t bit = util_below(&path->rng, p.length * 8);
		p.data[bit / 8] ^= 1 << bit % 8;
	} else if (kind == 18) {
		p.length = util_below(&path->rng, p.length + 1);
	} else if (kind == 19) {
		util_put16(p.data + 2, (uint16_t)util_random(&path->rng)); // any other place
	}
	return p;
}

static enum burst_status raw_status(srtp_err_status_t error)
{
	switch (error) {
	case srtp_err_status_ok:
		return BURST_OK;
	case srtp_err_status_replay_fail:
		return BURST_REPLAY_DUPLICATE;
	case srtp_err_status_replay_old:
		return BURST_REPLAY_OLD;
	case srtp_err_status_auth_fail:
		return BURST_AUTH_FAILED;
	default:
		return BURST_MALFORMED;
	}
}

// libsrtp2 looks at neither the version nor, with AES-GCM, the E flag: it fails these later.
static bool status_agrees(enum burst_status ours, srtp_err_status_t raw)
{
	return ours == raw_status(raw) || (ours == BURST_MALFORMED && raw != srtp_err_status_ok);
}

static void receive_burst(struct path *path, uint32_t *next, uint32_t n)
{
	struct util_packet a[BURST_MAX], b[BURST_MAX], raw[BURST_MAX];
	uint8_t status_a[BURST_MAX], status_b[BURST_MAX];
	util_burst burst = path->rtcp ? burst_unprotect_rtcp : burst_unprotect;

	for (uint32_t i = 0; i < n; i++)
		raw[i] = a[i] = b[i] = receive_one(path, next);
	util_many(burst, path->rx[0], a, status_a, n);
	util_many(burst, path->rx[1], b, status_b, n);
	for (uint32_t i = 0; i < n; i++) {
		int length = (int)raw[i].length;
		// An SSRC that a flipped bit made is the fourth
		srtp_err_status_t error =
			path->rtcp ? srtp_unprotect_rtcp(path->raw_rx, raw[i].data, &length)
				   : srtp_unprotect(path->raw_rx, raw[i].data, &length);
		raw[i].length = (uint32_t)length;
		cr_assert_eq(status_a[i], status_b[i], "%s, %s", burst_status_names[status_a[i]],
			burst_status_names[status_b[i]]);
		if (status_a[i] == BURST_SSRC_LIMIT)
			cr_assert_neq(error, srtp_err_status_ok);
		else
			cr_assert(status_agrees(status_a[i], error), "%s, raw %d",
				burst_status_names[status_a[i]], error);
		if (status_a[i] == BURST_OK) {
			cr_assert(util_same(&a[i], &raw[i]));
			cr_assert(util_same(&b[i], &raw[i]));
		}
		path->good += status_a[i] == BURST_OK;
		path->bad += status_a[i] != BURST_OK;
	}
}

static void compare(enum suite_id suite, bool rtcp, uint16_t window, uint32_t packets)
{
	static struct path path;
	uint32_t next = 0;

	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	cr_assert_eq(context_backend_init("libsrtp2"), 0);
	path_init(&path, suite, rtcp, window);
	while (path.sent < packets) {
		// RTCP of the senders numbers itself; some packets never arrive
		send_burst(&path, 1 + util_below(&path.rng, BURST_MAX));
		if (path.sent - next > 180)
			next = path.sent - 180;
		while (next + BURST_MAX < path.sent)
			receive_burst(&path, &next, 1 + util_below(&path.rng, BURST_MAX));
	}
	cr_assert(path.good > packets / 3 && path.bad > packets / 20, "%u good, %u bad", path.good,
		path.bad);
	for (int i = 0; i < SSRCS && !rtcp; i++) {
		uint32_t roc[2];
		uint16_t seq[2];
		for (int b = 0; b < 2; b++)
			cr_assert_eq(
				context_get_index(path.rx[b], 0x1000 + i, &roc[b], &seq[b]), 0);
		cr_assert_eq(roc[0], roc[1]);
		cr_assert_eq(seq[0], seq[1]);
		cr_assert_gt(roc[0], 0, "no round was completed");
	}
	path_fini(&path);
}

#define COMPARE(name, suite, window)                                                               \
	Test(compare, name##_rtp)                                                                  \
	{                                                                                          \
		compare(suite, false, window, 50000);                                              \
	}                                                                                          \
	Test(compare, name##_rtcp)                                                                 \
	{                                                                                          \
		compare(suite, true, window, 10000);                                               \
	}

COMPARE(gcm_128, SUITE_AEAD_AES_128_GCM, 128)
COMPARE(gcm_256, SUITE_AEAD_AES_256_GCM, 1024)
COMPARE(cm_80, SUITE_AES_CM_128_HMAC_SHA1_80, 64)
COMPARE(cm_32, SUITE_AES_CM_128_HMAC_SHA1_32, 192)
