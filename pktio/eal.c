// SPDX-License-Identifier: BSD-3-Clause
// Starts and ends DPDK's environment layer; main thread, start-up and exit.
#include "pktio/eal.h"

#include "pktio/eal_log.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define LINE_MAX_BYTES 512

// The level is libbpf's: 0 is a warning, and what is above it is for its developers.
static int print_bpf(int level, const char *fmt, va_list args)
{
	char line[LINE_MAX_BYTES];

	if (level > 0)
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	eal_log_line(LOG_WARNING, line);
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

static int has_log_level(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--log-level", strlen("--log-level")) == 0)
			return 1;
	return 0;
}

int eal_init(int argc, char **argv, char *error, unsigned size)
{
	eal_log_start(has_log_level(argc, argv));
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
