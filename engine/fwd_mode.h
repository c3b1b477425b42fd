// SPDX-License-Identifier: BSD-3-Clause
// What workers do with the packets they receive: the forwarding modes, and the setting that the
// control thread gives them. Any thread.
#pragma once

#include <stdint.h>

#define FWD_LIST(X)                                                                                \
	X(direct, "SRTP of the wire to RTP of the host, and back")                                 \
	X(echo, "a session's SRTP goes back to its peer, authenticated and protected again")       \
	X(sink, "packets are authenticated or protected, counted and freed")                       \
	X(io, "packets go from port to port unchanged, whatever they are")                         \
	X(gen, "sessions of the engine's own send RTP made here; what comes back is counted")

enum fwd_mode {
#define X(name, help) FWD_##name,
	FWD_LIST(X)
#undef X
		FWD_COUNT
};

// One word: a worker reads it once a turn.
struct fwd_setting {
	uint8_t mode; // enum fwd_mode
	uint8_t stopped;
	uint16_t burst; // packets that a worker takes from a queue at a time
} __attribute__((aligned(4)));
