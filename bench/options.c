// SPDX-License-Identifier: BSD-3-Clause
// Reads the options that the benchmarks have in common.
#include "bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rig.h"

const char *const bench_direction_names[BENCH_DIRECTIONS] = {"protect", "unprotect", "both"};

static const struct {
	struct option option;
	const char *value, *help;
} known[] = {
	{{"streams", required_argument, NULL, 's'}, "LIST",
		"directions of sessions, met in random order"},
	{{"payload", required_argument, NULL, 'p'}, "LIST", "bytes of RTP payload"},
	{{"suite", required_argument, NULL, 'u'}, "LIST", "such as AEAD_AES_128_GCM, or all"},
	{{"direction", required_argument, NULL, 'd'}, "LIST", "protect, unprotect, both"},
	{{"load", required_argument, NULL, 'l'}, "LIST", "percent of the highest rate"},
	{{"workers", required_argument, NULL, 'w'}, "N", "each with a core of its own"},
	{{"seconds", required_argument, NULL, 't'}, "S", "of measuring, for each row"},
	{{"repeats", required_argument, NULL, 'r'}, "N",
		"parts or rounds of it: minimum, median and maximum are of these"},
	{{"crypto", required_argument, NULL, 'c'}, "NAME", "back end: ipsec_mb, libsrtp2"},
	{{"loss", required_argument, NULL, 'x'}, "PART", "of the packets that may be lost: 0.001"},
	{{"port", required_argument, NULL, 'o'}, "DEV",
		"of the generator; twice: towards the wire port, towards the host port"},
	{{"socket", required_argument, NULL, 'k'}, "PATH", "of the engine's API, with --port"},
	{{"json", required_argument, NULL, 'j'}, "FILE",
		"the result for programs; bench/README.md describes it"},
	{{"verify", no_argument, NULL, 'v'}, "",
		"compares what comes out with what went in, packet by packet"},
	{{"help", no_argument, NULL, 'h'}, "", "this"},
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

// Whether the command has this option: a word of its list.
static bool takes(const struct options *o, const char *name)
{
	size_t length = strlen(name);
	const char *at = o->takes;

	if (!at || strcmp(name, "help") == 0)
		return true;
	while ((at = strstr(at, name))) {
		if ((at == o->takes || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
			return true;
		at += length;
	}
	return false;
}

static int usage(FILE *out, const struct options *o, const char *command, const char *about)
{
	fprintf(out,
		"usage: crowfly-bench [EAL options --] %s [OPTION...]\n%s\n"
		"Lists have commas between their values.\n",
		command, about);
	for (size_t i = 0; i < KNOWN; i++)
		if (takes(o, known[i].option.name))
			fprintf(out, "  --%-9s %-5s %s\n", known[i].option.name, known[i].value,
				known[i].help);
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
	case 'l':
		if (o->n_loads == OPTIONS_LIST || !number(value, 1, 100, &x))
			return false;
		o->loads[o->n_loads++] = (unsigned)x;
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
	case 'l':
		return &o->n_loads;
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
	case 'x':
		return number(value, 0, 0.5, &o->loss);
	case 'o':
		if (o->n_ports == 2)
			return false;
		o->ports[o->n_ports++] = value;
		return true;
	case 'k':
		o->socket = value;
		return true;
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
	struct option own[KNOWN + 1] = {0};
	int key, index, n = 0;

	for (size_t i = 0; i < KNOWN; i++)
		if (takes(options, known[i].option.name))
			own[n++] = known[i].option;
	optind = 1;
	while ((key = getopt_long(argc, argv, "", own, &index)) != -1) {
		if (key == 'h')
			return usage(stdout, options, argv[0], about);
		if (key == '?')
			return usage(stderr, options, argv[0], about);
		if (!set(options, key, optarg)) {
			fprintf(stderr, "crowfly-bench %s: --%s: cannot be %s\n", argv[0],
				own[index].name, optarg);
			return 2;
		}
	}
	return optind == argc ? -1 : usage(stderr, options, argv[0], about);
}
