// SPDX-License-Identifier: BSD-3-Clause
// What DPDK's libraries and drivers log, as lines of our log. Any thread but where said.
#pragma once

#include <stddef.h>

// Before rte_eal_init(), which would send every line to syslog, too. Warnings and worse are asked
// of DPDK, notices and less only where our log shows level info; `given`: DPDK's own options say
// what is. Main thread.
void eal_log_start(int given);

// One line of a library, at a level of syslog.h, as module "dpdk" and limited by kind: what differs
// in digits only is one.
void eal_log_line(int level, const char *line);

// Sets the level of DPDK's log types that `pattern` (fnmatch) names: "lib.eal", "pmd.net.*". How
// many there are. Control thread.
unsigned eal_log_set(const char *pattern, int level);

// Calls `type` with each type and its level. Control thread.
void eal_log_types(void (*type)(void *arg, const char *name, int level), void *arg);
