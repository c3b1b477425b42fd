// SPDX-License-Identifier: BSD-3-Clause
// What stage_protect and stage_unprotect have in common. Workers.
#pragma once

#include "crypto/burst.h"
#include "engine/stage.h"

typedef uint32_t (*stage_crypto_fn)(struct burst_packet packets[], uint8_t status[], uint32_t n);

// Transforms the RTP packets of the batch with one function and the RTCP packets with the other,
// sets each packet's length, verdict and its stream's reception statistics. Returns how many
// succeeded.
unsigned stage_crypto(struct worker *worker, struct packet_batch *batch, stage_crypto_fn rtp,
	stage_crypto_fn rtcp);
