// SPDX-License-Identifier: BSD-3-Clause
// The engine that `wire` measures: a crowfly-engine of its own between two memif ports, or the
// user's; its sessions, by the API. Main thread.
#pragma once

#include <rte_ether.h>

#include "bench/options.h"

struct device {
	int fd;				 // of the API
	int pid;			 // of our own engine; 0: the user's
	uint16_t ports[2];		 // the generator's, by enum packet_side
	struct rte_ether_addr engine[2]; // MAC addresses of the engine's
	const char *names[2];		 // the generator's ports
	unsigned sessions_max;
	unsigned n_sessions;
	unsigned *ids;
};

// Starts an engine and connects to it, or to that of --socket; opens the generator's ports with
// buffers of `pool`. Ends the program with a message if it cannot.
struct device *device_new(const struct options *o, unsigned sessions_max, struct rte_mempool *pool);
// Closes the ports, then ends the engine, if it is our own.
void device_free(struct device *device);

// Removes what our own engine has left in the file system; for child_init().
void device_tidy(void);

// Sessions 0 to n-1 as rig_session_params() has them, in place of those there were.
void device_set_sessions(struct device *device, enum suite_id suite, unsigned n);
void device_remove_sessions(struct device *device);
