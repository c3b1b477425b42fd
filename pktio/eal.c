// SPDX-License-Identifier: BSD-3-Clause
// Starts and ends DPDK's environment layer; main thread, start-up and exit.
#include "pktio/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

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
	rte_openlog_stream(stderr);
	if (!has_log_level(argc, argv)) {
		rte_log_set_global_level(RTE_LOG_WARNING);
		rte_log_set_level_pattern("*", RTE_LOG_WARNING);
	}
	if (rte_eal_init(argc, argv) < 0) {
		snprintf(error, size, "DPDK's EAL did not start: %s", rte_strerror(rte_errno));
		return -1;
	}
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
