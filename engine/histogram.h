// SPDX-License-Identifier: BSD-3-Clause
// A log-linear histogram: every octave in 128 equal steps, so that no value is told more than 0.8 %
// too high, from 0 to 2^64 - 1. One thread writes; another may read meanwhile.
#pragma once

#include <stdint.h>

#define HISTOGRAM_BITS	  7
#define HISTOGRAM_BUCKETS ((65 - HISTOGRAM_BITS) << HISTOGRAM_BITS)

struct histogram {
	uint64_t n, max;
	uint64_t counts[HISTOGRAM_BUCKETS];
}; // empty when it is zero

static inline uint32_t histogram_bucket(uint64_t value)
{
	uint32_t octave = value >> HISTOGRAM_BITS == 0
				  ? 0
				  : (uint32_t)(63 - HISTOGRAM_BITS - __builtin_clzll(value));

	return (octave << HISTOGRAM_BITS) + (uint32_t)(value >> octave);
}

static inline void histogram_add_n(struct histogram *h, uint64_t value, uint64_t n)
{
	uint64_t *count = &h->counts[histogram_bucket(value)];

	__atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
	__atomic_store_n(&h->n, h->n + n, __ATOMIC_RELAXED);
	if (value > h->max)
		__atomic_store_n(&h->max, value, __ATOMIC_RELAXED);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	histogram_add_n(h, value, 1);
}

// The largest value that a bucket counts.
uint64_t histogram_largest(uint32_t bucket);
// The value that a share `q` (0 to 1) of all are not above: the largest of its bucket, but never
// more than the largest of all, which is exact. 0 if there is none.
uint64_t histogram_quantile(const struct histogram *h, double q);
// Adds what `from` has, which may still be written to.
void histogram_merge(struct histogram *into, const struct histogram *from);
