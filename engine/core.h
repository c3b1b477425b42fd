// SPDX-License-Identifier: BSD-3-Clause
// The engine's insides, shared by engine.c, control.c and the session files. Control thread;
// workers see no more of it than struct worker_shared.
#pragma once

#include <event2/event.h>

#include "engine/drain.h"
#include "engine/engine.h"
#include "engine/explain.h"
#include "engine/health.h"
#include "engine/latency.h"
#include "engine/fwd.h"
#include "engine/mem.h"
#include "engine/observe.h"
#include "engine/quality.h"
#include "engine/retire.h"
#include "engine/session_table.h"
#include "engine/worker.h"
#include "pktio/neigh.h"
#include "pktio/netlink.h"
#include "pktio/nexthop.h"
#include "pktio/port.h"

struct engine;

// One side's addresses and next hops. `arg` of the callbacks is the side.
struct engine_side {
	struct engine *engine;
	enum worker_role role;
	struct rte_ether_addr mac; // of the engine on this port
	unsigned n_addresses;	   // from the configuration
	struct address addresses[ENGINE_ADDRESSES_MAX];
	unsigned n_gateways; // one of each family at most
	struct in6_addr gateways[2];
	struct neigh neigh;	 // where no kernel stands behind the port
	struct netlink *netlink; // where one does
	struct nexthop_table *nexthops;
	bool routes_changed;
};

struct engine {
	struct engine_config config;
	struct event_base *base;
	struct rte_mempool *pool;
	struct port ports[ROLE_COUNT];
	struct engine_side sides[2]; // by enum packet_side
	struct worker_shared shared;

	struct mem *mem;
	struct retire *retire;
	struct session_table sessions;
	struct observe *observe;
	struct explain_table *explain;
	struct latency **latency; // of each worker; NULL: never measured
	bool latency_on;
	struct jitter_scan *jitter; // those under way
	struct trace *trace;	    // NULL: none since the last was cleared
	struct fwd fwd;
	struct quality quality;
	struct gen *gen;		// NULL: not set
	uint32_t gen_ssrc;		// of the last generator
	struct session_error gen_error; // why the last one was not set, after all

	struct event *tick, *second, *netlink_event;
	uint64_t seconds; // since the start
	uint64_t ticks;
	struct drain drain;
	struct verbose *verbose; // NULL: was never on
	struct health health;
	uint32_t scan_id; // the session at which the scan for events goes on
	session_event_cb on_event;
	void *on_event_arg;
	void (*on_capture)(void *arg);
	void *on_capture_arg;
};

#define CONTROL_TICKS_A_SECOND 100

// ---- control.c: timers, and the slow path of ARP and neighbour discovery

// 0 or -1, logged.
int control_init(struct engine *engine);
void control_fini(struct engine *engine);

// One turn of the timers' work, for tests: what `tick` does every 10 ms.
void control_tick(struct engine *engine);

// Whether `ip` is an own address of that side; whether `remote` can be reached from it at all.
bool control_owns(const struct engine_side *side, const struct in6_addr *ip);
bool control_reaches(const struct engine_side *side, const struct in6_addr *remote);

// ---- session_event.c

// Looks at up to `n` sessions for events.
void session_scan(struct engine *engine, unsigned n);
void session_emit(struct engine *engine, const struct session *session, enum session_event event,
	uint64_t idle_ms);
