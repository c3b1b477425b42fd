// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks share: memory, samples, the machine.
#include "bench/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_version.h>

#include "bench/floor.h"
#include "engine/drop.h"
#include "engine/engine.h"

#define HUGE_PAGE (2u << 20)

void bench_fail(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "crowfly-bench: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

unsigned bench_cores(void)
{
	return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

void bench_pin(unsigned core)
{
	bench_pin_thread(pthread_self(), core);
}

void bench_pin_thread(pthread_t thread, unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core % bench_cores(), &set);
	pthread_setaffinity_np(thread, sizeof(set), &set);
}

void bench_print_machine(void)
{
	char line[256] = "model name: unknown\n";
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f) && strncmp(line, "model name", 10) != 0)
		continue;
	if (f)
		fclose(f);
	printf("%u cores of:%s", bench_cores(), strchr(line, ':') ? strchr(line, ':') + 1 : "\n");
	printf("ipsec-mb for %s, %s, TSC %.2f GHz, %s\n", floor_arch(), rte_version(),
		(double)rte_get_tsc_hz() / 1e9,
		rte_eal_has_hugepages() ? "hugepages" : "no hugepages reserved: transparent ones");
}

const char *bench_drops(struct engine *engine)
{
	static char text[1024];
	struct engine_stats stats;
	size_t n = 0;

	engine_stats_get(engine, &stats);
	text[0] = 0;
	for (int i = 0; i < DROP_COUNT; i++)
		if (stats.drops[i] > 0 && n < sizeof(text) - 64)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %lu", n ? ", " : "",
				drop_names[i], stats.drops[i]);
	return n ? text : "no packet was dropped";
}

void *bench_memory(size_t bytes)
{
	bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	void *memory = aligned_alloc(HUGE_PAGE, bytes);
	if (!memory)
		bench_fail("no memory for %zu MB", bytes >> 20);
	madvise(memory, bytes, MADV_HUGEPAGE);
	memset(memory, 0, bytes);
	return memory;
}

void bench_memory_free(void *memory)
{
	free(memory);
}

uint32_t bench_random(uint32_t below)
{
	static __thread uint64_t state = 88172645463325252ull;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

void bench_shuffle(uint32_t values[], uint32_t n)
{
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = bench_random(i + 1), was = values[i];
		values[i] = values[j];
		values[j] = was;
	}
}

void bench_sample(struct bench_samples *samples, double value)
{
	if (samples->n == samples->room) {
		samples->room = samples->room ? samples->room * 2 : 256;
		samples->values = realloc(samples->values, samples->room * sizeof(double));
		if (!samples->values)
			bench_fail("out of memory");
	}
	samples->values[samples->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_quantile(struct bench_samples *samples, double q)
{
	if (samples->n == 0)
		return 0;
	qsort(samples->values, samples->n, sizeof(double), compare);
	return samples->values[(size_t)(q * (double)(samples->n - 1) + 0.5)];
}

double bench_mean(const struct bench_samples *samples)
{
	double sum = 0;

	for (size_t i = 0; i < samples->n; i++)
		sum += samples->values[i];
	return samples->n > 0 ? sum / (double)samples->n : 0;
}

void bench_samples_fini(struct bench_samples *samples)
{
	free(samples->values);
	*samples = (struct bench_samples){0};
}
