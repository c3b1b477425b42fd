// SPDX-License-Identifier: BSD-3-Clause
// Writes the result of a benchmark as JSON.
#include "bench/result.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <rte_version.h>

#include "bench/floor.h"
#include "engine/base/version.h"

// What decides which code of ipsec-mb runs.
static const char *const cpu_flags[] = {
	"aes", "pclmulqdq", "avx2", "avx512f", "vaes", "vpclmulqdq", "sha_ni"};

static void cpuinfo(const char *key, char *out, size_t size)
{
	char line[4096];
	FILE *f = fopen("/proc/cpuinfo", "r");

	out[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		const char *value = strstr(line, ": ");

		if (strncmp(line, key, strlen(key)) != 0 || !value)
			continue;
		snprintf(out, size, "%s", value + 2);
		out[strcspn(out, "\n")] = 0;
		break;
	}
	if (f)
		fclose(f);
}

static json_t *cpu_new(void)
{
	char model[128], flags[4096], word[32];
	json_t *names = json_array();

	cpuinfo("model name", model, sizeof(model));
	cpuinfo("flags", flags + 1, sizeof(flags) - 2);
	flags[0] = ' ';
	strcat(flags, " ");
	for (size_t i = 0; i < sizeof(cpu_flags) / sizeof(cpu_flags[0]); i++) {
		snprintf(word, sizeof(word), " %s ", cpu_flags[i]);
		if (strstr(flags, word))
			json_array_append_new(names, json_string(cpu_flags[i]));
	}
	return json_pack("{s:s, s:o, s:i, s:s}", "model", model, "flags", names, "cores",
		(int)sysconf(_SC_NPROCESSORS_ONLN), "ipsec_mb", floor_arch());
}

json_t *result_new(const char *command, int argc, char **argv)
{
	struct utsname host;
	char when[32];
	time_t now = time(NULL);
	json_t *arguments = json_array();

	uname(&host);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	for (int i = 1; i < argc; i++)
		json_array_append_new(arguments, json_string(argv[i]));
	json_t *result = json_pack("{s:i, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:[]}", "schema", 1,
		"command", command, "version", VERSION, "time", when, "arguments", arguments,
		"kernel", host.release, "dpdk", rte_version(), "cpu", cpu_new(), "results");
	if (!result)
		bench_fail("out of memory");
	return result;
}

void result_add(json_t *result, json_t *row)
{
	if (!row || json_array_append_new(json_object_get(result, "results"), row) != 0)
		bench_fail("out of memory");
}

json_t *result_spread(struct bench_samples *samples)
{
	return json_pack("{s:f, s:f, s:f}", "min", bench_quantile(samples, 0), "median",
		bench_quantile(samples, 0.5), "max", bench_quantile(samples, 1));
}

int result_end(json_t *result, const char *file)
{
	int rc = 0;

	if (file && json_dump_file(result, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0) {
		fprintf(stderr, "crowfly-bench: %s: cannot be written\n", file);
		rc = 1;
	}
	json_decref(result);
	return rc;
}
