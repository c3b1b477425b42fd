// SPDX-License-Identifier: BSD-3-Clause
// Making and ending contexts: parameters, sizes, wiping of keys, threads.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "crypto/derive.h"
#include "crypto/state.h"
#include "tests/unit/crypto_util.h"

Test(context, suites)
{
	static const char *const names[] = {"AEAD_AES_128_GCM", "AEAD_AES_256_GCM",
		"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"};
	for (int i = 0; i < SUITE_COUNT; i++) {
		cr_assert_eq(suite_find(names[i]), i);
		cr_assert_str_eq(suite_table[i].name, names[i]);
		cr_assert(suite_table[i].key_bytes <= SUITE_KEY_MAX &&
			  suite_table[i].salt_bytes <= SUITE_SALT_MAX &&
			  suite_table[i].tag_bytes <= SUITE_TAG_MAX);
	}
	cr_assert_eq(suite_find("aead_aes_128_gcm"), -1);
	cr_assert_eq(suite_find("AES_CM_128_HMAC_SHA1"), -1);
	cr_assert_eq(suite_find(""), -1);
	cr_assert_eq(suite_table[SUITE_AES_CM_128_HMAC_SHA1_32].rtcp_tag_bytes, 10);
}

Test(context, backends)
{
	struct context_params params = {.key = util_key, .salt = util_salt};
	cr_assert_null(context_backend_name());
	cr_assert_eq(context_size(&params), 0);
	cr_assert_eq(context_backend_init("openssl"), -EINVAL);
	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	cr_assert_str_eq(context_backend_name(), "ipsec_mb");
	cr_assert_eq(context_thread_init(), 0);
	cr_assert_eq(context_thread_init(), 0);
	cr_assert_gt(context_size(&params), 0);
	cr_assert_eq(context_backend_init("libsrtp2"), 0);
	cr_assert_str_eq(context_backend_name(), "libsrtp2");
	context_backend_fini();
	cr_assert_null(context_backend_name());
	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	context_backend_fini();
}

Test(context, bad_params)
{
	static const struct {
		int suite, direction;
		uint16_t window, ssrc_max;
		bool good;
	} cases[] = {
		{0, 0, 0, 0, true},
		{3, 1, 64, 1, true},
		{1, 1, 1024, 64, true},
		{2, 0, 192, 5, true},
		{4, 0, 0, 0, false},
		{-1, 0, 0, 0, false},
		{0, 2, 0, 0, false},
		{0, -1, 0, 0, false},
		{0, 0, 63, 0, false},
		{0, 0, 100, 0, false},
		{0, 0, 1088, 0, false},
		{0, 0, 65535, 0, false},
		{0, 0, 0, 65, false},
		{0, 0, 0, 65535, false},
		{0, 0, 1, 0, false},
	};
	for (unsigned b = 0; b < 2; b++)
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct context_params params = {
				.suite = (enum suite_id)cases[i].suite,
				.direction = (enum context_direction)cases[i].direction,
				.key = util_key,
				.salt = util_salt,
				.window = cases[i].window,
				.ssrc_max = cases[i].ssrc_max,
			};
			cr_assert_eq(context_backend_init(util_backends[b]), 0);
			cr_assert_eq(context_size(&params) > 0, cases[i].good, "case %u", i);
			errno = 0;
			struct context *ctx = context_new(&params);
			cr_assert_eq(ctx != NULL, cases[i].good, "case %u", i);
			cr_assert_eq(errno, cases[i].good ? errno : EINVAL);
			context_free(ctx);
			params.key = NULL;
			cr_assert_null(context_new(&params));
		}
	context_free(NULL);
}

Test(context, memory)
{
	struct context_params params = {.key = util_key, .salt = util_salt};
	uint8_t *memory = aligned_alloc(64, 4096);
	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	errno = 0;
	cr_assert_null(context_init(memory + 16, &params));
	cr_assert_eq(errno, EINVAL);

	// No byte behind the size is written
	size_t size = context_size(&params);
	cr_assert_eq(size % 64, 0);
	memset(memory, 0xee, 4096);
	struct context *ctx = context_init(memory, &params);
	cr_assert_eq((void *)ctx, (void *)memory);
	cr_assert_eq(context_suite(ctx), SUITE_AEAD_AES_128_GCM);
	cr_assert_eq(context_packets_left(ctx, 0), 1ull << 48);
	cr_assert_eq(context_packets_left(ctx, 1), 1ull << 31);
	context_fini(ctx);
	for (size_t i = size; i < 4096; i++)
		cr_assert_eq(memory[i], 0xee);
	free(memory);
}

// 100,000 two-way calls are 200,000 contexts.
Test(context, size)
{
	struct context_params params = {.key = util_key, .salt = util_salt};
	cr_assert_eq(context_backend_init("ipsec_mb"), 0);
	params.ssrc_max = 1;
	cr_assert_eq(context_size(&params), 1152);
	params.suite = SUITE_AES_CM_128_HMAC_SHA1_80;
	cr_assert_eq(context_size(&params), 384);
}

static bool contains(const uint8_t *memory, size_t size, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + n <= size; i++)
		if (memcmp(memory + i, bytes, n) == 0)
			return true;
	return false;
}

Test(context, wiped)
{
	for (unsigned which = 0; which < 2 * SUITE_COUNT; which++) {
		enum suite_id suite = which % SUITE_COUNT;
		struct context_params params = {.suite = suite, .key = util_key, .salt = util_salt};
		cr_assert_eq(context_backend_init(util_backends[which / SUITE_COUNT]), 0);
		size_t size = context_size(&params);
		uint8_t *memory = aligned_alloc(64, size);
		struct context *ctx = context_init(memory, &params);
		cr_assert_not_null(ctx);

		struct util_packet p = util_rtp(1, 1, 100), r = util_rtcp(1, 4);
		cr_assert_eq(util_one(burst_protect, ctx, &p), BURST_OK);
		cr_assert_eq(util_one(burst_protect_rtcp, ctx, &r), BURST_OK);
		uint8_t key[32];
		size_t bytes = suite_table[suite].key_bytes;
		derive_keys(util_key, bytes, util_salt, suite_table[suite].salt_bytes,
			&(struct derive_part){DERIVE_RTP_KEY, key, bytes}, 1);
		// The test can see a key where there is one; the master key is never kept
		if (which < SUITE_COUNT)
			cr_assert(contains(memory, size, key, 16));
		cr_assert_not(contains(memory, size, util_key, 16));
		context_fini(ctx);
		for (size_t i = 0; i < size; i++)
			cr_assert_eq(memory[i], 0, "suite %d byte %zu", suite, i);
		free(memory);
	}
}

// Neither may any of the context's memory say what the keys of a libsrtp2 session were.
Test(context, distinct_keys)
{
	uint8_t key[32] = {1}, other[32] = {2};
	for (unsigned which = 0; which < 2 * SUITE_COUNT; which++) {
		struct context_params params = {.suite = which % SUITE_COUNT,
			.key = key,
			.salt = util_salt,
			.direction = CONTEXT_PROTECT};
		cr_assert_eq(context_backend_init(util_backends[which / SUITE_COUNT]), 0);
		struct context *tx = context_new(&params);
		params.direction = CONTEXT_UNPROTECT;
		params.key = other;
		struct context *rx = context_new(&params);
		struct util_packet p = util_rtp(1, 1, 100), r = util_rtcp(1, 4);
		cr_assert_eq(util_one(burst_protect, tx, &p), BURST_OK);
		cr_assert_eq(util_one(burst_protect_rtcp, tx, &r), BURST_OK);
		cr_assert_eq(util_one(burst_unprotect, rx, &p), BURST_AUTH_FAILED);
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &r), BURST_AUTH_FAILED);
		context_free(tx);
		context_free(rx);
	}
}

// Contexts of one suite: all but the keys may differ, and what they have done.
static void same_keys_of(const char *backend, enum suite_id suite)
{
	const uint16_t bytes[] = {suite_table[suite].key_bytes, suite_table[suite].salt_bytes};
	struct context *ctx = util_context(backend, suite, CONTEXT_PROTECT, 0, 1);
	struct context *same = util_context(backend, suite, CONTEXT_PROTECT, 1024, 9);
	struct context *other = util_context(backend, suite, CONTEXT_UNPROTECT, 0, 1);
	struct util_packet p = util_rtp(0, 0, 100), r = util_rtcp(0, 4);

	cr_assert_eq(util_one(burst_protect, ctx, &p), BURST_OK);
	cr_assert_eq(util_one(burst_protect_rtcp, ctx, &r), BURST_OK);
	cr_assert(context_same_keys(ctx, ctx));
	cr_assert(context_same_keys(ctx, same));
	cr_assert(context_same_keys(same, ctx));
	cr_assert_not(context_same_keys(ctx, other), "the other direction");
	context_free(same);
	context_free(other);
	for (unsigned part = 0; part < 2; part++)
		for (unsigned i = 0; i < bytes[part]; i++) {
			uint8_t secrets[2][32];
			struct context_params params = {.suite = suite,
				.direction = CONTEXT_PROTECT,
				.key = secrets[0],
				.salt = secrets[1],
				.ssrc_max = 1};

			memcpy(secrets[0], util_key, sizeof(util_key));
			memcpy(secrets[1], util_salt, sizeof(util_salt));
			secrets[part][i] ^= 1;
			other = context_new(&params);
			cr_assert_not_null(other);
			cr_assert_not(context_same_keys(ctx, other), "part %u, byte %u", part, i);
			context_free(other);
		}
	context_free(ctx);
}

Test(context, same_keys)
{
	for (unsigned which = 0; which < 2 * SUITE_COUNT; which++)
		same_keys_of(util_backends[which / SUITE_COUNT], which % SUITE_COUNT);
}

Test(context, same_keys_of_one_suite_and_back_end)
{
	struct context *all[2 * SUITE_COUNT];
	for (unsigned i = 0; i < 2 * SUITE_COUNT; i++)
		all[i] = util_context(
			util_backends[i / SUITE_COUNT], i % SUITE_COUNT, CONTEXT_UNPROTECT, 0, 1);
	for (unsigned i = 0; i < 2 * SUITE_COUNT; i++)
		for (unsigned j = 0; j < 2 * SUITE_COUNT; j++)
			cr_assert_eq(context_same_keys(all[i], all[j]), i == j, "%u, %u", i, j);
	for (unsigned i = 0; i < 2 * SUITE_COUNT; i++)
		context_free(all[i]);
}

// Each worker has contexts of its own, and the back end what it needs for each thread.
static void *worker(void *arg)
{
	struct context **pair = arg;
	for (int burst = 0; burst < 300; burst++) {
		struct util_packet in[BURST_MAX];
		uint8_t status[BURST_MAX];
		for (int i = 0; i < BURST_MAX; i++)
			in[i] = util_rtp(4, (uint16_t)(burst * BURST_MAX + i), 160);
		if (util_many(burst_protect, pair[0], in, status, BURST_MAX) != BURST_MAX ||
			util_many(burst_unprotect, pair[1], in, status, BURST_MAX) != BURST_MAX)
			return "lost a packet";
		for (int i = 0; i < BURST_MAX; i++) {
			struct util_packet clear =
				util_rtp(4, (uint16_t)(burst * BURST_MAX + i), 160);
			if (!util_same(&in[i], &clear))
				return "spoilt a packet";
		}
	}
	return NULL;
}

Test(context, threads)
{
	pthread_t threads[2 * SUITE_COUNT];
	struct context *pairs[2 * SUITE_COUNT][2];
	for (int i = 0; i < 2 * SUITE_COUNT; i++) {
		pairs[i][0] = util_context("ipsec_mb", i % SUITE_COUNT, CONTEXT_PROTECT, 0, 1);
		pairs[i][1] = util_context("ipsec_mb", i % SUITE_COUNT, CONTEXT_UNPROTECT, 0, 1);
		cr_assert_eq(pthread_create(&threads[i], NULL, worker, pairs[i]), 0);
	}
	for (int i = 0; i < 2 * SUITE_COUNT; i++) {
		void *error;
		pthread_join(threads[i], &error);
		cr_assert_null(error, "%s", (char *)error);
		context_free(pairs[i][0]);
		context_free(pairs[i][1]);
	}
}
