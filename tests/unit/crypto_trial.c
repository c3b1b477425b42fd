// SPDX-License-Identifier: BSD-3-Clause
// Why packets do not authenticate: packets that fail are kept as they came, and tried under other
// indices, in every suite.
#include "crypto/trial.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "crypto/burst.h"

#define SSRC   0xcafe1234
#define LENGTH 172

static struct context *context(enum suite_id suite, enum context_direction direction, uint8_t key)
{
	uint8_t bytes[SUITE_KEY_MAX + SUITE_SALT_MAX];
	const struct context_params params = {
		.suite = suite, .direction = direction, .key = bytes, .salt = bytes};
	struct context *ctx;

	memset(bytes, key, sizeof(bytes));
	ctx = context_new(&params);
	cr_assert_not_null(ctx);
	return ctx;
}

// A packet of SRTP under the index; its length.
static uint32_t sealed(enum suite_id suite, uint8_t key, uint32_t roc, uint16_t seq, uint8_t *out)
{
	struct context *ctx = context(suite, CONTEXT_PROTECT, key);
	struct burst_packet packet = {ctx, out, LENGTH, LENGTH + BURST_ROOM};
	const uint8_t header[] = {
		0x80, 0, seq >> 8, seq & 0xff, 1, 2, 3, 4, 0xca, 0xfe, 0x12, 0x34};
	uint8_t status;

	for (unsigned i = 0; i < LENGTH; i++)
		out[i] = (uint8_t)(i ^ seq);
	memcpy(out, header, sizeof(header));
	cr_assert_eq(context_set_index(ctx, SSRC, roc, (uint16_t)(seq - 1)), 0);
	cr_assert_eq(burst_protect(&packet, &status, 1), 1);
	context_free(ctx);
	return packet.length;
}

static uint32_t fail_one(struct context *ctx, uint8_t *data, uint32_t length)
{
	struct burst_packet packet = {ctx, data, length, length};
	uint8_t status;

	cr_assert_eq(burst_unprotect(&packet, &status, 1), 0);
	cr_assert_eq(status, BURST_AUTH_FAILED);
	return packet.length;
}

static int passes(const struct context *ctx, const uint8_t *data, uint32_t length, uint64_t index)
{
	uint8_t copy[LENGTH + BURST_ROOM];

	memcpy(copy, data, length);
	return trial_passes(ctx, copy, length, index);
}

#define INDEX(roc, seq) ((uint64_t)(roc) << 16 | (seq))

static void one_suite(enum suite_id suite)
{
	struct context *ctx = context(suite, CONTEXT_UNPROTECT, 7);
	uint8_t data[LENGTH + BURST_ROOM], before[sizeof(data)];
	uint32_t roc;
	uint16_t seq;

	cr_assert_eq(context_set_index(ctx, SSRC, 5, 1000), 0);
	// The peer is one round ahead
	uint32_t length = sealed(suite, 7, 6, 1001, data);
	memcpy(before, data, length);
	cr_assert_eq(trial_index(ctx, SSRC, 1001), INDEX(5, 1001));
	burst_keep_failed(1);
	cr_assert_eq(fail_one(ctx, data, length), length, "kept");
	cr_assert_arr_eq(data, before, length, "as it came");
	cr_expect_eq(passes(ctx, data, length, INDEX(5, 1001)), 0);
	cr_expect_eq(passes(ctx, data, length, INDEX(4, 1001)), 0);
	cr_expect_eq(passes(ctx, data, length, INDEX(6, 1001)), 1);
	cr_expect_eq(context_get_index(ctx, SSRC, &roc, &seq), 0);
	cr_expect(roc == 5 && seq == 1000, "a trial moves nothing");

	// None is kept beyond what was asked for, and nothing of it is left to read
	cr_assert_eq(fail_one(ctx, data, length), 0);
	cr_expect_eq(passes(ctx, data, length, INDEX(6, 1001)), 0);

	// Damaged: under no index
	memcpy(data, before, length);
	data[LENGTH / 2] ^= 1;
	burst_keep_failed(2);
	cr_assert_eq(fail_one(ctx, data, length), length);
	for (unsigned r = 4; r < 7; r++)
		cr_expect_eq(passes(ctx, data, length, INDEX(r, 1001)), 0);
	// Another key
	length = sealed(suite, 8, 5, 1001, data);
	cr_assert_eq(fail_one(ctx, data, length), length);
	for (unsigned r = 4; r < 7; r++)
		cr_expect_eq(passes(ctx, data, length, INDEX(r, 1001)), 0);
	context_free(ctx);
}

Test(trial, all_suites)
{
	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	for (int suite = 0; suite < SUITE_COUNT; suite++)
		one_suite((enum suite_id)suite);
	context_backend_fini();
}

// Good and bad packets of two suites in one burst: the good ones pass, the first bad ones are kept.
Test(trial, in_a_burst)
{
	static const enum suite_id suites[2] = {
		SUITE_AEAD_AES_256_GCM, SUITE_AES_CM_128_HMAC_SHA1_32};
	enum { N = 12 };
	uint8_t data[N][LENGTH + BURST_ROOM], before[N][LENGTH + BURST_ROOM], status[N];
	struct burst_packet packets[N];
	struct context *ctx[2];
	unsigned kept = 0;

	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	for (int i = 0; i < 2; i++)
		ctx[i] = context(suites[i], CONTEXT_UNPROTECT, 7);
	for (unsigned i = 0; i < N; i++) {
		uint32_t length = sealed(suites[i % 2], 7, 0, (uint16_t)(100 + i), data[i]);

		if (i % 3 == 0)
			data[i][60] ^= 4;
		memcpy(before[i], data[i], length);
		packets[i] = (struct burst_packet){ctx[i % 2], data[i], length, sizeof(data[i])};
	}
	burst_keep_failed(3);
	cr_assert_eq(burst_unprotect(packets, status, N), N - 4);
	for (unsigned i = 0; i < N; i++) {
		cr_expect_eq(status[i], i % 3 == 0 ? BURST_AUTH_FAILED : BURST_OK);
		if (i % 3 != 0 || packets[i].length == 0)
			continue;
		cr_expect_arr_eq(data[i], before[i], packets[i].length);
		kept++;
	}
	cr_expect_eq(kept, 3);
	for (int i = 0; i < 2; i++)
		context_free(ctx[i]);
	context_backend_fini();
}

Test(trial, what_cannot_be_tried)
{
	struct context *ctx;
	uint8_t data[LENGTH + BURST_ROOM];

	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	ctx = context(SUITE_AEAD_AES_128_GCM, CONTEXT_UNPROTECT, 7);
	uint32_t length = sealed(SUITE_AEAD_AES_128_GCM, 7, 0, 9, data);
	cr_expect_eq(passes(ctx, data, length, 9), 1);
	for (uint32_t n = 0; n < 28; n++)
		cr_expect_eq(passes(ctx, data, n, 9), -EINVAL, "%u bytes", n);
	data[0] = 0x9f; // an extension that does not fit
	data[74] = data[75] = 0xff;
	cr_expect_eq(passes(ctx, data, length, 9), -EINVAL);
	context_free(ctx);
	ctx = context(SUITE_AEAD_AES_128_GCM, CONTEXT_PROTECT, 7);
	data[0] = 0x80;
	cr_expect_eq(passes(ctx, data, length, 9), -EINVAL, "a context of the other direction");
	context_free(ctx);

	cr_assert_eq(context_backend_init("libsrtp2"), 0);
	ctx = context(SUITE_AEAD_AES_128_GCM, CONTEXT_UNPROTECT, 7);
	burst_keep_failed(1);
	data[80] ^= 1;
	cr_expect_eq(fail_one(ctx, data, length), 0, "none is kept");
	cr_expect_eq(passes(ctx, data, length, 9), -ENOTSUP);
	context_free(ctx);
	context_backend_fini();
}
