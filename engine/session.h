// SPDX-License-Identifier: BSD-3-Clause
// Sessions: what the API adds and removes. Each is two streams, wire to host (unprotect) and host
// to wire (protect). Control thread only; the workers see its streams through the flow table, under
// RCU.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/suite.h"

struct engine;

// An IPv4 address is held v4-mapped (::ffff:a.b.c.d).
struct session_addr {
	struct in6_addr ip;
	uint16_t port; // host order
};

enum session_direction { // from this host's side, RFC 3264; bits
	SESSION_INACTIVE = 0,
	SESSION_SENDONLY = 1,
	SESSION_RECVONLY = 2,
	SESSION_SENDRECV = 3,
};

struct session_params {
	struct session_addr wire_local, wire_remote; // SRTP and SRTCP on one port (RFC 5761)
	struct session_addr host_local, host_remote; // plain RTP; RTCP on the port above
	enum suite_id suite;
	uint8_t tx_key[SUITE_KEY_MAX + SUITE_SALT_MAX]; // master key, then salt; the caller wipes
	uint8_t rx_key[SUITE_KEY_MAX + SUITE_SALT_MAX];
	uint16_t window;
	uint32_t media_timeout_ms; // 0: none
	enum session_direction direction;
	const char *tag; // copied; may be NULL
	// The generator's: nothing is on the host side, and the wire may lead back to the engine;
	// no events
	bool synthetic;
};

// Which field of an API request an error is about; NULL: none.
struct session_error {
	const char *field;
	char text[160];
};

// Adds both streams or none. 0 and *id; -EADDRINUSE (a local address is taken), -EADDRNOTAVAIL (not
// an address of the port), -EINVAL, -ENOSPC, -ENOMEM with `error` written. A wire local address is
// taken when a session has it with the same remote address: many peers may send to one port. A host
// local address is taken when a session has that port or the one above.
int session_add(struct engine *engine, const struct session_params *params, uint32_t *id,
	struct session_error *error);

// What an update changes. A direction whose keys change begins a new context; one that is given the
// keys it has goes on with its index and replay window. The statistics go on.
enum session_change {
	SESSION_WIRE_REMOTE = 1,
	SESSION_HOST_REMOTE = 2,
	SESSION_KEYS = 4, // suite, tx_key and rx_key
	SESSION_TAG = 8,
	SESSION_DIRECTION = 16,
	SESSION_TIMEOUT = 32,
};
// All of the changes or none. 0, -ENOENT, or as session_add.
int session_update(struct engine *engine, uint32_t id, unsigned changes,
	const struct session_params *params, struct session_error *error);

// Takes the session from the table; it is wiped and freed after a grace period. 0 or -ENOENT.
int session_remove(struct engine *engine, uint32_t id);

// Has a session removed once neither direction has had a packet for so long. 0 or -ENOENT.
int session_drain(struct engine *engine, uint32_t id, uint32_t idle_s);

// One direction's counters, as the worker has them now.
struct session_stream_stats {
	uint32_t ssrc;	  // of the last packet
	uint64_t packets; // forwarded
	uint64_t bytes;	  // of RTP packets forwarded, header and payload, without the tag
	uint64_t rtcp_packets;
	int64_t lost; // RFC 3550 section 6.4.1 and appendix A.3, over all SSRCs
	uint64_t out_of_order;
	double jitter_us; // RFC 3550 appendix A.8, at the clock of a static payload type (8 kHz if
			  // unknown)
	uint64_t auth_failed;
	uint64_t replayed;     // duplicate and too old
	uint64_t dropped;      // for all reasons, those above included
	uint64_t idle_ms;      // since the last packet, or since the session was added
	uint64_t packets_left; // of the key (RFC 3711 section 9.2)
	int worker;	       // whose the stream is; -1: nobody's yet
};

struct session_info {
	uint32_t id;
	struct session_params params; // keys are zero
	uint64_t age_ms;
	uint32_t drain_idle_s;		    // 0: not draining
	struct session_stream_stats rx, tx; // from the wire, to the wire
};

// 0 or -ENOENT; info->params.tag is valid until the session changes.
int session_get(struct engine *engine, uint32_t id, struct session_info *info);
// The first session with an id above `after`, for lists of any length: its id, or 0.
uint32_t session_next(struct engine *engine, uint32_t after);
uint32_t session_count(struct engine *engine);

// Events, called on the control thread. Set once, before the workers start.
enum session_event {
	SESSION_FIRST_PACKET_WIRE,
	SESSION_FIRST_PACKET_HOST,
	SESSION_MEDIA_TIMEOUT,
	SESSION_KEY_EXHAUSTED_RX,
	SESSION_KEY_EXHAUSTED_TX,
	SESSION_REMOVED
};
typedef void (*session_event_cb)(
	void *arg, enum session_event event, uint32_t id, const char *tag, uint64_t idle_ms);
void session_on_event(struct engine *engine, session_event_cb cb, void *arg);
