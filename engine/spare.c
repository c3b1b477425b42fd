// SPDX-License-Identifier: BSD-3-Clause
// Keeps blocks for more SSRCs ready: control thread; grow() runs on workers.
#include "engine/spare.h"

#include "crypto/replay.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_ring.h>

#define SPARES 256 // taken between two ticks at most; who finds none loses packets until the next

static struct {
	struct rte_ring *ring;
	size_t bytes; // of a block
	unsigned ssrcs;
} spare;

static void grow(struct context *ctx)
{
	void *block;

	if (rte_ring_dequeue(spare.ring, &block) == 0)
		context_extend(ctx, block, spare.bytes, spare.ssrcs);
}

int spare_init(struct mem *mem, unsigned ssrc_max)
{
	ssrc_max = ssrc_max > 0 ? ssrc_max : SPARE_SSRC_DEFAULT;
	if (ssrc_max == 1)
		return 0;
	spare.ssrcs = ssrc_max - 1;
	spare.bytes = RTE_MAX(context_extension_bytes(0, spare.ssrcs),
		context_extension_bytes(REPLAY_WINDOW_MAX, 1));
	spare.ring = rte_ring_create("crowfly_spares", SPARES, SOCKET_ID_ANY, RING_F_SP_ENQ);
	if (!spare.ring)
		return -ENOMEM;
	spare_tick(mem);
	context_on_full(grow);
	return 0;
}

void spare_fini(struct mem *mem)
{
	void *block;

	context_on_full(NULL);
	while (spare.ring && rte_ring_dequeue(spare.ring, &block) == 0)
		mem_put(mem, block, spare.bytes);
	rte_ring_free(spare.ring);
	spare.ring = NULL;
}

void spare_tick(struct mem *mem)
{
	void *block;

	while (spare.ring && !rte_ring_full(spare.ring)) {
		block = mem_get(mem, spare.bytes);
		if (!block)
			return; // the next tick tries again
		rte_ring_enqueue(spare.ring, block);
	}
}

void spare_put(struct mem *mem, void *block)
{
	mem_put(mem, block, spare.bytes);
}
