// SPDX-License-Identifier: BSD-3-Clause
// What a histogram tells. Any thread.
#include "engine/histogram.h"

#include <math.h>

uint64_t histogram_largest(uint32_t bucket)
{
	uint32_t octave = bucket >> HISTOGRAM_BITS;
	uint64_t step = bucket & ((1u << HISTOGRAM_BITS) - 1);

	if (octave <= 1)
		return bucket;
	octave--;
	// The largest of the last bucket is 2^64 - 1: the sum wraps to 0 before
	return ((step + (1u << HISTOGRAM_BITS) + 1) << octave) - 1;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t wanted = (uint64_t)ceil(q * (double)h->n), seen = 0;

	if (wanted == 0)
		wanted = 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen >= wanted)
			return histogram_largest(i) < h->max ? histogram_largest(i) : h->max;
	}
	return h->max;
}

// The sum is of the buckets as they are read, so that the quantiles are right whatever comes.
void histogram_merge(struct histogram *into, const struct histogram *from)
{
	uint64_t max = __atomic_load_n(&from->max, __ATOMIC_RELAXED);

	if (max > into->max)
		into->max = max;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t n = __atomic_load_n(&from->counts[i], __ATOMIC_RELAXED);

		into->counts[i] += n;
		into->n += n;
	}
}
