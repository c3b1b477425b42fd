// SPDX-License-Identifier: BSD-3-Clause
// What DPDK's libraries and drivers log, as lines of our log. Any thread; DPDK's stream has a lock
// of its own.
#include "pktio/eal_log.h"

#include <rte_log.h>

#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"

#define MODULE	       "dpdk"
#define LINE_MAX_BYTES 512
#define KINDS	       64 // of lines, told apart by a hash
#define KIND_BURST     8  // lines of a kind in 10 s

// What drivers say at every start of a healthy system: told at level debug.
static const char *const harmless[] = {
	"qdisc", // net_tap without traffic control: it is not used
	"Disabling rte flow support",
	"TELEMETRY: No legacy callbacks",
	"start req to secondary", // there are no secondary processes
	"stop req to secondary",
	"Failed to register mp action callback", // net_memif with --no-shconf: the same
	"bpffs",				 // net_af_xdp without a mounted /sys/fs/bpf
	"skipping unrecognized data section",
	"Falling back to loading single prog",
};

static int is_harmless(const char *line)
{
	for (unsigned i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strstr(line, harmless[i]))
			return 1;
	return 0;
}

// The text without its digits: addresses and numbers do not make it another line.
static unsigned kind_of(const char *line)
{
	unsigned hash = 2166136261u; // FNV-1a

	for (; *line; line++)
		if (*line < '0' || *line > '9')
			hash = (hash ^ (unsigned char)*line) * 16777619u;
	return hash % KINDS;
}

void eal_log_line(int level, const char *line)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct log_limit limits[KINDS];
	struct log_limit *limit = &limits[kind_of(line)];

	if (is_harmless(line))
		level = LOG_DEBUG;
	pthread_mutex_lock(&lock);
	limit->burst = KIND_BURST;
	log_limited_line(limit, MODULE, level, "dpdk: %s", line);
	pthread_mutex_unlock(&lock);
}

// What DPDK calls a notice is noise at every start.
static int our_level(int dpdk)
{
	if (dpdk < 0)
		return LOG_DEBUG;
	if (dpdk <= (int)RTE_LOG_ERR)
		return LOG_ERR;
	if (dpdk == (int)RTE_LOG_WARNING)
		return LOG_WARNING;
	return dpdk <= (int)RTE_LOG_INFO ? LOG_INFO : LOG_DEBUG;
}

static unsigned dpdk_level(int ours)
{
	if (ours <= LOG_ERR)
		return RTE_LOG_ERR;
	if (ours <= LOG_NOTICE)
		return RTE_LOG_WARNING;
	return ours == LOG_INFO ? RTE_LOG_INFO : RTE_LOG_DEBUG;
}

// Takes DPDK's stream line by line.
static ssize_t write_line(void *cookie, const char *data, size_t size)
{
	static char line[LINE_MAX_BYTES];
	static size_t used;

	(void)cookie;
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\n' && used < sizeof(line) - 1) {
			line[used++] = data[i];
			continue;
		}
		line[used] = '\0';
		if (used > 0)
			eal_log_line(our_level(rte_log_cur_msg_loglevel()), line);
		used = 0;
	}
	return (ssize_t)size;
}

static FILE *open_log(void)
{
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_line});

	if (stream)
		setvbuf(stream, NULL, _IOLBF, 0);
	return stream ? stream : stderr;
}

void eal_log_start(int given)
{
	unsigned level = dpdk_level(log_module_level(MODULE));

	rte_openlog_stream(open_log());
	if (given) {
		log_set_module_level(MODULE, LOG_DEBUG);
		return;
	}
	if (level > RTE_LOG_INFO)
		level = RTE_LOG_INFO; // thousands of lines: by `set log` alone
	rte_log_set_global_level(level);
	rte_log_set_level_pattern("*", level);
}

// ---- types, as DPDK lists them: "id 0: lib.eal, level is warning"

static int read_level(const char *name)
{
	static const char *const names[] = {"disabled", "emergency", "alert", "critical", "error",
		"warning", "notice", "info", "debug"};

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (strcmp(names[i], name) == 0)
			return our_level(i);
	return LOG_DEBUG;
}

void eal_log_types(void (*type)(void *arg, const char *name, int level), void *arg)
{
	char *text = NULL, *line, *rest;
	char name[128], level[32];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	rte_log_dump(out);
	fclose(out);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, "id %*d: %127[^,], level is %31s", name, level) == 2)
			type(arg, name, read_level(level));
	free(text);
}

struct matches {
	const char *pattern;
	unsigned n;
};

static void count_match(void *arg, const char *name, int level)
{
	struct matches *matches = arg;

	(void)level;
	matches->n += fnmatch(matches->pattern, name, 0) == 0;
}

unsigned eal_log_set(const char *pattern, int level)
{
	struct matches matches = {.pattern = pattern};

	eal_log_types(count_match, &matches);
	if (matches.n == 0)
		return 0;
	rte_log_set_level_pattern(pattern, dpdk_level(level));
	if (dpdk_level(level) > rte_log_get_global_level())
		rte_log_set_global_level(dpdk_level(level));
	if (log_module_level(MODULE) < level)
		log_set_module_level(MODULE, level);
	return matches.n;
}
