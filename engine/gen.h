// SPDX-License-Identifier: BSD-3-Clause
// The generator: synthetic sessions with another engine, or with this one over a wire that leads
// back, and the RTP that workers make for them in mode gen. Control thread, but for gen_fill().
#pragma once

#include "engine/fwd.h"
#include "engine/gen_pace.h"
#include "engine/packet.h"
#include "engine/session.h"

struct engine;
struct gen;
struct worker;

#define GEN_RATE	 50 // packets per second of a session: a call's
#define GEN_RATE_MAX	 1000000
#define GEN_PAYLOAD	 160
#define GEN_PAYLOAD_MAX	 1948 // a buffer's, less headers and tag
#define GEN_SECRET_MAX	 256
#define GEN_PER_PORT_MAX 256 // sessions on one local port

// What packets are like.
struct gen_traffic {
	uint32_t rate;	  // packets per second of each session; 0: as many as go
	uint16_t payload; // bytes of each
};

struct gen_params {
	unsigned sessions;
	// Of the first session; `local` without a port: one is chosen
	struct session_addr local, remote;
	enum suite_id suite;
	struct gen_traffic traffic;
	const char *secret; // of both ends; NULL: GEN_TEST_SECRET
};

// Begins to add the sessions, all or none; gen_tick() goes on if there are many. Each end does so
// for the other: the same secret, suite and number, the addresses the other way round. With a
// remote address of this engine, it does so for both ends. 0, -EEXIST (they are there already), or
// as session_add().
int gen_set(struct engine *engine, const struct gen_params *params, struct session_error *error);
void gen_tick(struct engine *engine); // from a timer
// For the next start. 0, -ENOENT, or -EINVAL with `error` written.
int gen_change(
	struct engine *engine, const struct gen_traffic *traffic, struct session_error *error);
// Removes the sessions; -ENOENT if there are none.
int gen_clear(struct engine *engine);

// Before workers begin, or begin again, to work in mode gen.
void gen_begin(struct engine *engine);
// The counts begin at 0.
void gen_reset(struct engine *engine);

enum gen_state { GEN_NONE, GEN_ADDING, GEN_STOPPED, GEN_NO_NEXTHOP, GEN_SENDING };
extern const char *const gen_state_names[]; // "sending"

struct gen_counts {
	uint64_t generated, late; // packets made, and those due that never were
	uint64_t sent, received;
	int64_t lost; // as the receiving sessions count it: gaps
	uint64_t out_of_order, auth_failed, replayed, dropped;
};

struct gen_info {
	enum gen_state state;
	struct gen_params params; // `secret` is NULL
	struct gen_traffic next;
	bool own_secret;		 // not the test secret
	bool loop;			 // both ends are here
	unsigned added;			 // sessions
	struct gen_counts counts;	 // since the last start or clear
	double jitter_us, jitter_max_us; // mean of the receiving sessions, and the worst
};
void gen_get(struct engine *engine, struct gen_info *info);

// The addresses of session i: no two have the same, and the other end has the same pairs the other
// way round.
void gen_wire(const struct gen_params *params, unsigned i, struct session_addr *local,
	struct session_addr *remote);
// How many sessions there can be with these addresses.
unsigned gen_sessions_max(const struct gen_params *params);

// ---- workers

// Fills the batch with the packets of this worker's sessions that are due, as an application would
// have sent them to the host port, without headers. Returns how many.
unsigned gen_fill(struct worker *worker, struct packet_batch *batch);
