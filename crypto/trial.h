// SPDX-License-Identifier: BSD-3-Clause
// Why a packet of SRTP did not authenticate: whether it would have under another index, or under
// the keys of another context.
#pragma once

#include <stdint.h>

#include "crypto/context.h"

// The index that burst_unprotect() takes a packet of this SSRC and sequence number for. Worker.
uint64_t trial_index(const struct context *ctx, uint32_t ssrc, uint16_t seq);

// 1: a packet (from its RTP header on) authenticates under that index; 0: it does not; -ENOTSUP:
// the back end cannot tell without its worker; -EINVAL: it is no packet of SRTP. Reads nothing of
// the context but its keys, and changes nothing but `data`, which is spoilt and may hold what the
// packet says: the caller wipes it. Control thread, while the worker works.
int trial_passes(const struct context *ctx, uint8_t *data, uint32_t length, uint64_t index);
