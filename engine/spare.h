// SPDX-License-Identifier: BSD-3-Clause
// Room for the second and later SSRCs of a stream, which few ever need: blocks that the control
// thread keeps ready in a ring, and a worker takes one when a packet of another SSRC has
// authenticated.
#pragma once

#include "crypto/context.h"
#include "engine/mem.h"

#define SPARE_SSRC_DEFAULT 16

// ---- control thread

// For streams of up to `ssrc_max` SSRCs each (0: SPARE_SSRC_DEFAULT), fewer where the replay window
// is larger than the default, but two at least; with 1 there is nothing to keep ready. One engine a
// process. 0 or -ENOMEM.
int spare_init(struct mem *mem, unsigned ssrc_max);
// When no worker runs.
void spare_fini(struct mem *mem);
// Fills the ring up again.
void spare_tick(struct mem *mem);
// Gives the block of a context back, if it took one; before context_fini(), which forgets it, the
// caller asks for it by context_extension().
void spare_put(struct mem *mem, void *block);
