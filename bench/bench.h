// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks share.
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct engine;

// A subcommand: argv[0] is its name; EAL runs. Returns the exit status.
int bench_floor(int argc, char **argv);
int bench_path(int argc, char **argv);
int bench_lookup(int argc, char **argv);
int bench_setup(int argc, char **argv);
int bench_memory_use(int argc, char **argv);
int bench_latency(int argc, char **argv);
int bench_peers(int argc, char **argv);
int bench_wire(int argc, char **argv);

// Ends the program with a message.
__attribute__((noreturn, format(printf, 1, 2))) void bench_fail(const char *fmt, ...);

// The head of a benchmark's table: what runs where.
void bench_print_machine(void);
unsigned bench_cores(void);
// Ties a thread, or the calling one, to a core; to one there is, if there are not so many.
void bench_pin_thread(pthread_t thread, unsigned core);
void bench_pin(unsigned core);
// The engine's counters that are not 0, for a message.
const char *bench_drops(struct engine *engine);

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
// ends the program when there is none.
void *bench_memory(size_t bytes);
void bench_memory_free(void *memory);

uint32_t bench_random(uint32_t below);
void bench_shuffle(uint32_t values[], uint32_t n);

// Samples of a time; a neighbour on the core makes some longer, none shorter, so the first quartile
// is what counts.
struct bench_samples {
	double *values;
	size_t n, room;
};
void bench_sample(struct bench_samples *samples, double value);
double bench_quantile(struct bench_samples *samples, double q); // q from 0, the least, to 1
double bench_mean(const struct bench_samples *samples);		// 0: there are none
void bench_samples_fini(struct bench_samples *samples);
