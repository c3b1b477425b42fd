// SPDX-License-Identifier: BSD-3-Clause
// Processes that a benchmark starts: whatever happens to it, they end with it. Main thread.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// Before all others: has the children end with this process, whatever signal ends it. `tidy_up`
// (may be NULL) runs then, too, perhaps in a signal handler.
void child_init(void (*tidy_up)(void));

// The core for what is measured, apart from the generator's where there are two.
unsigned child_core(void);
#define CHILD_GENERATOR_CORE 0

// Pins the calling thread.
void child_pin(unsigned core);

// Runs `run(arg)` in a process of its own on that core; it ends with what `run` returns.
pid_t child_start(unsigned core, int (*run)(void *arg), void *arg);
// Runs a program, searched in PATH, its output in `log` (NULL: nowhere).
pid_t child_exec(unsigned core, char *const argv[], const char *log);
// Ends it: SIGTERM, and SIGKILL after 5 s. Does nothing if pid is 0.
void child_end(pid_t pid);
// Whether it still runs.
int child_alive(pid_t pid);

// CPU time of all its threads, to the nanosecond; ends the program if it is gone.
uint64_t child_cpu_ns(pid_t pid);
