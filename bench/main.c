// SPDX-License-Identifier: BSD-3-Clause
// crowfly-bench: one subcommand a part of the product. One thread.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "engine/base/version.h"

#define HUGE_PAGE (2u << 20)

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"crypto", bench_crypto, "SRTP alone: the bursts of crypto/, cold caches, many keys"},
};

void *bench_memory(size_t bytes)
{
	bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	void *memory = aligned_alloc(HUGE_PAGE, bytes);
	if (!memory) {
		fprintf(stderr, "crowfly-bench: no memory for %zu MB\n", bytes >> 20);
		exit(1);
	}
	madvise(memory, bytes, MADV_HUGEPAGE);
	memset(memory, 0, bytes);
	return memory;
}

void bench_sample(struct bench_samples *samples, double value)
{
	if (samples->n == samples->room) {
		samples->room = samples->room ? samples->room * 2 : 256;
		samples->values = realloc(samples->values, samples->room * sizeof(double));
		if (!samples->values)
			abort();
	}
	samples->values[samples->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_quartile(struct bench_samples *samples)
{
	if (samples->n == 0)
		return 0;
	qsort(samples->values, samples->n, sizeof(double), compare);
	return samples->values[samples->n / 4];
}

void bench_samples_fini(struct bench_samples *samples)
{
	free(samples->values);
	*samples = (struct bench_samples){0};
}

static int usage(FILE *out)
{
	fprintf(out, "usage: crowfly-bench COMMAND [OPTION...]\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "crowfly-bench COMMAND --help shows the options.\n");
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		puts("crowfly-bench " VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "crowfly-bench: unknown command %s\n", argv[1]);
	return usage(stderr);
}
