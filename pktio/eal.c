// SPDX-License-Identifier: BSD-3-Clause
// Starts and ends DPDK's environment layer; main thread, start-up and exit.
#include "pktio/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "engine/base/log.h"

#define LINE_MAX_BYTES 512

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

// Takes what the EAL and the drivers log, line by line, to our own log.
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
			log_write(is_harmless(line) ? LOG_DEBUG : LOG_WARNING, "dpdk: %s", line);
		used = 0;
	}
	return (ssize_t)size;
}

// The level is libbpf's: 0 is a warning, and what is above it is for its developers.
static int print_bpf(int level, const char *fmt, va_list args)
{
	char line[LINE_MAX_BYTES];

	if (level > 0)
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_write(is_harmless(line) ? LOG_DEBUG : LOG_WARNING, "%s", line);
	return 0;
}

// The libraries behind net_af_xdp write to stderr unless told otherwise. They are there if EAL has
// loaded that driver.
static void quieten(const char *library, const char *function)
{
	void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
	void (*set_print)(int (*)(int, const char *, va_list));

	if (!handle)
		return;
	*(void **)&set_print = dlsym(handle, function);
	if (set_print)
		set_print(print_bpf);
	dlclose(handle);
}

static FILE *open_log(void)
{
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_line});

	if (stream)
		setvbuf(stream, NULL, _IOLBF, 0);
	return stream ? stream : stderr;
}

static int has_log_level(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--log-level", strlen("--log-level")) == 0)
			return 1;
	return 0;
}

int eal_init(int argc, char **argv, char *error, unsigned size)
{
	// Before rte_eal_init(): otherwise every line goes to syslog a second time
	rte_openlog_stream(open_log());
	if (!has_log_level(argc, argv)) {
		rte_log_set_global_level(RTE_LOG_WARNING);
		rte_log_set_level_pattern("*", RTE_LOG_WARNING);
	}
	if (rte_eal_init(argc, argv) < 0) {
		snprintf(error, size, "DPDK's EAL did not start: %s", rte_strerror(rte_errno));
		return -1;
	}
	quieten("libbpf.so.1", "libbpf_set_print");
	quieten("libxdp.so.1", "libxdp_set_print");
	return 0;
}

void eal_fini(void)
{
	rte_eal_cleanup();
}

void eal_protect_memory(void)
{
	const struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
}
