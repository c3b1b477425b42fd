// SPDX-License-Identifier: BSD-3-Clause
// Copies of packets on their way from the workers to the thread that writes them to a file: a ring
// of slots for each worker, which takes no more when it is full. The worker and the writer.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "engine/worker.h"

#define CAPTURE_SNAPLEN_MAX 2176 // bytes of a packet that a buffer can hold
#define CAPTURE_SLOTS	    2048 // of a worker; a power of two
#define CAPTURE_CHUNK	    64	 // packets copied at a time at most

struct capture_slot {
	uint64_t tsc;
	uint16_t length, stored; // of the packet, and of it here
	uint8_t role;		 // enum worker_role of its port
	uint8_t out;		 // it is sent, else received
	uint8_t data[];
};

struct capture_lane {
	uint8_t *slots;

	// Written by the worker
	uint64_t head __attribute__((aligned(64)));
	uint64_t dropped; // for lack of a slot

	// Written by the writer
	uint64_t tail __attribute__((aligned(64)));
};

// Which packets of the captured ports are wanted: both addresses of a session, on either side. RTCP
// of the host side is on the port above.
struct capture_match {
	struct capture_match_side {
		struct in6_addr local, remote;
		uint16_t local_port, remote_port; // host order
	} sides[2];				  // by enum packet_side
};

struct capture_tap {
	unsigned n_lanes;
	uint32_t snaplen;
	uint32_t slot_bytes;
	const struct capture_match *match; // NULL: all packets; RCU
	struct capture_lane *lanes;	   // one for each worker
};

// 0 or -ENOMEM; control thread. snaplen is at most CAPTURE_SNAPLEN_MAX.
int capture_lane_init(struct capture_tap *tap, unsigned workers, uint32_t snaplen);
// Wipes and frees; when neither worker nor writer uses it.
void capture_lane_fini(struct capture_tap *tap);

// Copies those of n <= CAPTURE_CHUNK packets that are wanted and find a slot; which, as bits. The
// writer sees none of them yet. Worker, under RCU.
uint64_t capture_lane_copy(struct capture_tap *tap, unsigned worker, enum worker_role role,
	bool out, struct rte_mbuf *const mbufs[], unsigned n);
// Lets the writer see the first n of those copied last, forgets the others.
void capture_lane_publish(struct capture_tap *tap, unsigned worker, unsigned n);

// The oldest packet of all lanes, or NULL; and done with it. Writer.
const struct capture_slot *capture_lane_first(const struct capture_tap *tap, unsigned *lane);
void capture_lane_done(struct capture_tap *tap, unsigned lane);

uint64_t capture_lane_dropped(const struct capture_tap *tap); // any thread
