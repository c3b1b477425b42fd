// SPDX-License-Identifier: BSD-3-Clause
// Reads the options that the benchmarks have in common.
#include "bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rig.h"

const char *const bench_direction_names[BENCH_DIRECTIONS] = {"protect", "unprotect", "both"};

static const struct option known[] = {
	{"streams", required_argument, NULL, 's'},
	{"payload", required_argument, NULL, 'p'},
	{"suite", required_argument, NULL, 'u'},
	{"direction", required_argument, NULL, 'd'},
	{"workers", required_argument, NULL, 'w'},
	{"seconds", required_argument, NULL, 't'},
	{"repeats", required_argument, NULL, 'r'},
	{"crypto", required_argument, NULL, 'c'},
	{"json", required_argument, NULL, 'j'},
	{"verify", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int usage(FILE *out, const char *command, const char *about)
{
	fprintf(out,
		"usage: crowfly-bench [EAL options --] %s [OPTION...]\n%s\n"
		"Lists have commas between their values.\n"
		"  --streams LIST    directions of sessions, met in random order\n"
		"  --payload LIST    bytes of RTP payload\n"
		"  --suite LIST      such as AEAD_AES_128_GCM, or all\n"
		"  --direction LIST  protect, unprotect, both\n"
		"  --workers N       each with a core of its own\n"
		"  --seconds S       of measuring, for each row\n"
		"  --repeats N       parts of that time: minimum, median and maximum are of these\n"
		"  --crypto NAME     back end: ipsec_mb, libsrtp2\n"
		"  --json FILE       the result for programs; bench/README.md describes it\n"
		"  --verify          compares what comes out with what went in, packet by packet\n",
		command, about);
	return out == stdout ? 0 : 2;
}

static bool number(const char *text, double min, double max, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == 0 && *out >= min && *out <= max;
}

// One value of a list.
static bool add(struct options *o, int key, const char *value)
{
	double x;

	switch (key) {
	case 's':
		if (o->n_streams == OPTIONS_LIST || !number(value, 1, 2.0 * RIG_SESSIONS_MAX, &x))
			return false;
		o->streams[o->n_streams++] = (uint32_t)x;
		return true;
	case 'p':
		if (o->n_payloads == OPTIONS_LIST || !number(value, 1, 1400, &x))
			return false;
		o->payloads[o->n_payloads++] = (uint32_t)x;
		return true;
	case 'u':
		if (o->n_suites == OPTIONS_LIST || suite_find(value) < 0)
			return false;
		o->suites[o->n_suites++] = (enum suite_id)suite_find(value);
		return true;
	default:
		for (int d = 0; d < BENCH_DIRECTIONS; d++)
			if (strcmp(value, bench_direction_names[d]) == 0 &&
				o->n_directions < OPTIONS_LIST) {
				o->directions[o->n_directions++] = (enum bench_direction)d;
				return true;
			}
		return false;
	}
}

static unsigned *count_of(struct options *o, int key)
{
	switch (key) {
	case 's':
		return &o->n_streams;
	case 'p':
		return &o->n_payloads;
	case 'u':
		return &o->n_suites;
	default:
		return &o->n_directions;
	}
}

static bool add_list(struct options *o, int key, const char *list)
{
	char *copy = strdup(list), *save = NULL;
	bool good = copy && *copy;

	*count_of(o, key) = 0;
	if (good && key == 'u' && strcmp(list, "all") == 0)
		for (int suite = 0; suite < SUITE_COUNT; suite++)
			o->suites[o->n_suites++] = (enum suite_id)suite;
	else
		for (char *value = good ? strtok_r(copy, ",", &save) : NULL; value && good;
			value = strtok_r(NULL, ",", &save))
			good = add(o, key, value);
	free(copy);
	return good && *count_of(o, key) > 0;
}

static bool set(struct options *o, int key, const char *value)
{
	double x;

	switch (key) {
	case 'w':
		if (!number(value, 1, RIG_WORKERS_MAX, &x))
			return false;
		o->workers = (unsigned)x;
		return true;
	case 'r':
		if (!number(value, 1, 1000, &x))
			return false;
		o->repeats = (unsigned)x;
		return true;
	case 't':
		return number(value, 0.01, 3600, &o->seconds);
	case 'c':
		o->crypto = value;
		return strcmp(value, "ipsec_mb") == 0 || strcmp(value, "libsrtp2") == 0;
	case 'j':
		o->json = value;
		return true;
	case 'v':
		o->verify = true;
		return true;
	default:
		return add_list(o, key, value);
	}
}

int options_read(struct options *options, int argc, char **argv, const char *about)
{
	int key, index;

	optind = 1;
	while ((key = getopt_long(argc, argv, "", known, &index)) != -1) {
		if (key == 'h')
			return usage(stdout, argv[0], about);
		if (key == '?')
			return usage(stderr, argv[0], about);
		if (!set(options, key, optarg)) {
			fprintf(stderr, "crowfly-bench %s: --%s: cannot be %s\n", argv[0],
				known[index].name, optarg);
			return 2;
		}
	}
	return optind == argc ? -1 : usage(stderr, argv[0], about);
}
