// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks make of their samples.
#include "bench/bench.h"

#include <criterion/criterion.h>

Test(samples, quantiles_and_mean)
{
	struct bench_samples samples = {0};

	cr_assert_eq(bench_quantile(&samples, 0.5), 0);
	cr_assert_eq(bench_mean(&samples), 0);
	for (int i = 0; i < 300; i++) // more than there is room for at first
		bench_sample(&samples, i == 7 ? 301 : 1 + i % 3);
	cr_assert_eq(bench_quantile(&samples, 0), 1);
	cr_assert_eq(bench_quantile(&samples, 0.25), 1);
	cr_assert_eq(bench_quantile(&samples, 0.5), 2);
	cr_assert_eq(bench_quantile(&samples, 1), 301);
	cr_assert_eq(bench_mean(&samples), (600 - 2 + 301) / 300.0);
	bench_samples_fini(&samples);
	cr_assert_eq(samples.n, 0);
}
