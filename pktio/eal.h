// SPDX-License-Identifier: BSD-3-Clause
// Starts DPDK's environment layer. Start-up only, once a process.
#pragma once

// rte_eal_init() with its log, warnings and worse, sent to ours alone; by itself the library sends
// it to syslog besides. `argv` is as for rte_eal_init() and must stay valid. 0 or -1 with `error`
// (size bytes) written.
int eal_init(int argc, char **argv, char *error, unsigned size);
void eal_fini(void);
