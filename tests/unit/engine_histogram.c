// SPDX-License-Identifier: BSD-3-Clause
// The histogram: its buckets, and quantiles against sorted values.
#include "engine/histogram.h"

#include <stdlib.h>

#include <criterion/criterion.h>

static struct histogram *histogram_of(const uint64_t values[], unsigned n)
{
	struct histogram *h = calloc(1, sizeof(*h));

	cr_assert_not_null(h);
	for (unsigned i = 0; i < n; i++)
		histogram_add(h, values[i]);
	return h;
}

Test(histogram, buckets)
{
	uint32_t last = 0;

	// Small values have a bucket each, and the buckets follow each other without a gap
	for (uint64_t v = 0; v < 1 << 20; v++) {
		uint32_t bucket = histogram_bucket(v);

		cr_assert(v < 256 ? bucket == v : bucket == last || bucket == last + 1, "%lu", v);
		last = bucket;
	}
	cr_assert_eq(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	cr_assert_eq(histogram_bucket(1ull << 63), HISTOGRAM_BUCKETS - 128);
}

Test(histogram, error_is_bounded)
{
	for (uint64_t v = 1; v < UINT64_MAX / 3; v += v / 2 + 1) {
		const uint64_t values[] = {v, UINT64_MAX};
		struct histogram *h = histogram_of(values, 2);
		uint64_t told = histogram_quantile(h, 0.5);

		cr_assert(told >= v && told - v <= v / 128, "%lu told as %lu", v, told);
		cr_assert_eq(histogram_quantile(h, 1), UINT64_MAX);
		free(h);
	}
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

Test(histogram, quantiles_as_if_sorted)
{
	enum { N = 20000 };
	static const double shares[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	static uint64_t values[N];
	uint64_t state = 1;

	for (unsigned i = 0; i < N; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		values[i] = (state >> 33) >> (state >> 59); // of all sizes
	}
	struct histogram *h = histogram_of(values, N);
	qsort(values, N, sizeof(values[0]), ascending);
	for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		unsigned rank = (unsigned)(shares[i] * N + 0.999999);
		uint64_t exact = values[rank > 0 ? rank - 1 : 0];
		uint64_t told = histogram_quantile(h, shares[i]);

		cr_assert(told >= exact && told - exact <= exact / 128, "%g: %lu told as %lu",
			shares[i], exact, told);
	}
	cr_assert_eq(histogram_quantile(h, 1), values[N - 1]);
	free(h);
}

Test(histogram, merge)
{
	const uint64_t few[] = {1, 2, 3}, large[] = {1000000, 5};
	struct histogram *a = histogram_of(few, 3), *b = histogram_of(large, 2);

	histogram_merge(a, b);
	cr_assert_eq(a->n, 5);
	cr_assert_eq(a->max, 1000000);
	cr_assert_eq(histogram_quantile(a, 0.6), 3);
	cr_assert_eq(histogram_quantile(a, 0.8), 5);
	cr_assert_eq(histogram_quantile(a, 0.81), 1000000);
	free(a);
	free(b);
}

Test(histogram, empty)
{
	struct histogram *h = calloc(1, sizeof(*h));

	cr_assert_eq(histogram_quantile(h, 0.999), 0);
	free(h);
}
