// SPDX-License-Identifier: BSD-3-Clause
// One direction of a session as the workers see it. A stream never changes once it is in the flow
// table: an update puts another one in its place. What changes with each packet is its state, which
// one worker owns.
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "crypto/context.h"
#include "engine/reception.h"
#include "pktio/nexthop.h"

#define STREAM_UNOWNED 0

// Written by the owning worker alone, but for `owner`, which a worker claims by an atomic exchange.
// The second cache line is what each packet writes.
struct stream_state {
	uint64_t rtcp_packets;
	uint64_t dropped;
	uint64_t auth_failed;
	uint64_t replayed;
	uint64_t key_exhausted;
	uint32_t home_bytes; // control thread only: of struct stream_home and its context
	uint32_t unused;
	struct reception reception;

	uint32_t owner; // index of the worker + 1; STREAM_UNOWNED: the first that sees a packet
	uint32_t reserved;
	uint64_t packets; // RTP, forwarded
	uint64_t bytes;
	uint64_t last_tsc; // of the last packet forwarded
} __attribute__((aligned(64)));
static_assert(offsetof(struct stream_state, reception.ssrc) == 64,
	"what a packet writes is one cache line");
static_assert(sizeof(struct stream_state) == 128, "the state is two cache lines");

// One cache line. Control writes, before it is published; workers read.
struct stream {
	struct stream *next;	// on the same local port; RCU
	struct in6_addr remote; // where its packets come from
	uint16_t remote_port;	// host order; 0: any
	uint16_t local_port;	// host order; on the host side RTCP comes to the port above
	uint16_t out_src_port;	// host order, as out_dst_port: of what it sends
	uint16_t out_dst_port;
	uint8_t to_wire;      // from the application: protect; else unprotect
	uint8_t active;	      // the session's direction allows packets
	uint8_t owns_context; // control thread only; else another stream shares it
	uint8_t reserved;
	uint32_t session; // id
	struct context *context;
	struct nexthop *nexthop;
	struct stream_state *state;
} __attribute__((aligned(64)));
static_assert(sizeof(struct stream) == 64, "a stream is one cache line");

// Where a direction of a session begins its life, in one piece, so that what a packet needs lies on
// neighbouring cache lines and one page. A stream or a context that replaces the first is alone.
struct stream_home {
	struct stream_state state;
	struct stream stream;
	uint8_t context[];
};

static inline struct stream_home *stream_home(const struct stream_state *state)
{
	return (struct stream_home *)state;
}
