// SPDX-License-Identifier: BSD-3-Clause
// What all daemons do alike: signals, readiness and watchdog of the service manager. The event
// loop's thread.
#pragma once

#include <stdbool.h>

struct event_base;
struct service;

// All are called from the event loop, none before it runs.
struct service_ops {
	bool (*is_ready)(void *arg); // asked every 20 ms until it is; then the manager is told
	void (*ready)(void *arg);    // once; may be NULL
	// Whether all that has to move has moved since it was asked last: only then is the watchdog
	// fed. NULL: that the event loop turns is enough
	bool (*moves)(void *arg);
	void (*stop)(void *arg);     // SIGTERM or SIGINT
	void (*stop_now)(void *arg); // each further one
	void (*reload)(void *arg);   // SIGHUP
};

// Keeps the process's memory, which holds keys and passwords, out of core dumps, and from
// /proc/PID/mem and ptrace of all but root. Before the first secret is read.
void service_protect_memory(void);

// From here on the signals come by the loop; SIGPIPE is ignored. NULL: out of memory.
struct service *service_new(struct event_base *base, const struct service_ops *ops, void *arg);
// To be freed last: until then no signal cuts the end short.
void service_free(struct service *service);

// Asks first at SIGINT whether something else ends by it, and the program goes on.
void service_on_interrupt(struct service *service, bool (*interrupt)(void *arg));

// The same as SIGTERM does, for another reason, which is logged.
void service_stop(struct service *service, const char *reason);

// The stop that is under way may take so long.
void service_stop_takes(unsigned seconds);
