// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks share.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

// A subcommand: argv[0] is its name. Returns the exit status.
int bench_crypto(int argc, char **argv);

static inline uint64_t bench_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// What this thread has used of a core: another thread in its place does not count.
static inline uint64_t bench_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Zeroed memory on huge pages where the kernel gives them, so that the TLB is not what is measured;
// ends the program when there is none. Never freed.
void *bench_memory(size_t bytes);

// Samples of a time; a neighbour on the core makes some longer, none shorter, so the first quartile
// is what is shown.
struct bench_samples {
	double *values;
	size_t n, room;
};
void bench_sample(struct bench_samples *samples, double value);
double bench_quartile(struct bench_samples *samples);
void bench_samples_fini(struct bench_samples *samples);
