// SPDX-License-Identifier: BSD-3-Clause
// The engine as a whole: what main() starts, the API reads and the tests drive.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/session.h"

struct event_base;
struct engine;

#define ENGINE_ADDRESSES_MAX 16 // local addresses on one port
#define ENGINE_WORKERS_MAX   64

// From the command line or the INI file.
struct engine_config {
	// DPDK device names ("net_tap0", "0000:3b:00.0"); `exception` may be NULL
	const char *wire, *host, *exception;
	// The kernel's interface of an exception port whose driver does not tell it; may be NULL
	const char *exception_interface;
	// The engine's own addresses, "192.168.50.1/24" or "2001:db8::1/64": of the host port, and
	// of the wire port where it has no exception port (else the kernel's addresses on the
	// exception interface count). The first NULL ends them.
	const char *host_addresses[ENGINE_ADDRESSES_MAX], *wire_addresses[ENGINE_ADDRESSES_MAX];
	// Without exception port: the next hop, one of each family, to peers in other networks
	const char *wire_gateways[2];
	unsigned workers; // 0: one for each lcore but the main one, or one if there is no other
	unsigned queues_rx_desc, queues_tx_desc; // 0: 1,024, or what the device can
	unsigned mbufs;				 // in the pool; 0: by ports and workers
	unsigned sessions_max;			 // 0: 131,072
	unsigned ssrc_max;			 // of a stream; 0: 16
	unsigned vlan;				 // of the wire port; 0: untagged
	bool idle_sleep;			 // workers back off to short sleeps when idle
	bool allow_decrypted_capture;		 // of media in the clear
	bool paused;	    // no worker starts: the caller runs worker_iterate(), as benchmarks do
	const char *crypto; // "ipsec_mb" or "libsrtp2"; NULL: ipsec_mb
	const char *socket; // the API's
	const char *socket_group; // whose members may use it, too; NULL: nobody
};

// After eal_init(): opens the ports, starts the workers and the control timers on `base`. NULL:
// the reason is logged.
struct engine *engine_new(const struct engine_config *config, struct event_base *base);
// Stops the workers, wipes all sessions, closes the ports.
void engine_free(struct engine *engine);

// From here on there are no new sessions; those there go on. For good: the engine is ending.
void engine_drain(struct engine *engine);

// Whether every worker has polled its ports; whether every worker has done so since this was asked
// last (one that sleeps when idle has). One that has not is logged.
bool engine_workers_polled(const struct engine *engine);
bool engine_workers_moved(struct engine *engine);

// The totals of all workers, read while packets flow.
struct engine_stats {
	// tx: media; rx: all that came
	uint64_t rx_wire, tx_wire, rx_host, tx_host, to_kernel, from_kernel, punted, handed_over;
	uint64_t fragments;
	uint64_t protected_packets, unprotected_packets;
	uint64_t drops[64];			      // by enum drop_reason (engine/drop.h)
	uint64_t iterations, busy_iterations, sleeps; // of the workers' loops
	unsigned sessions, workers;
	bool draining;
	unsigned nexthops, nexthops_unresolved;
	unsigned mbufs, mbufs_free;
	size_t memory_mapped, memory_used; // of sessions
};
void engine_stats_get(struct engine *engine, struct engine_stats *stats);

// One port as port.list shows it.
struct engine_port {
	const char *role; // "wire", "host", "exception"
	const char *device;
	char mac[18];
	bool link_up;
	uint64_t rx_packets, tx_packets, rx_missed, rx_errors, tx_errors;
	unsigned queues;
	unsigned n_addresses;
	char addresses[ENGINE_ADDRESSES_MAX][64];
};
unsigned engine_ports_get(struct engine *engine, struct engine_port ports[3]);
