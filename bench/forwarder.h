// SPDX-License-Identifier: BSD-3-Clause
// What a program with kernel sockets can do at best: RTP in by recvmmsg(), SRTP, out by sendmmsg().
// A process of its own; one thread.
#pragma once

#include <stdint.h>

#include "crypto/suite.h"

enum forwarder_crypto { FORWARDER_NONE, FORWARDER_LIBSRTP2, FORWARDER_CROWFLY };

struct forwarder {
	enum forwarder_crypto crypto;
	enum suite_id suite;
	uint32_t streams; // the SSRC of stream i is i + 1
	int in, out;	  // sockets: bound; connected to where SRTP goes
};

// The master key and salt of a stream, one behind the other: SUITE_KEY_MAX + SUITE_SALT_MAX bytes.
void forwarder_key(uint32_t stream, uint8_t *out);

// Forwards without end. `arg` is a struct forwarder. Returns 1 if it cannot start.
int forwarder_run(void *arg);
// Which library libsrtp2 is and computes with: "libsrtp2 2.5.0 (on NSS)".
const char *forwarder_libsrtp2(void);
