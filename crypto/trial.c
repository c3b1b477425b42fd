// SPDX-License-Identifier: BSD-3-Clause
// Tries packets under indices that were not taken. Control thread, but for trial_index().
#include "crypto/trial.h"

#include <errno.h>

#include "crypto/burst.h"
#include "crypto/state.h"

uint64_t trial_index(const struct context *ctx, uint32_t ssrc, uint16_t seq)
{
	int slot = state_find(ctx, ssrc);

	return replay_guess(slot < 0 ? 0 : state_replay(ctx, (unsigned)slot)->highest, seq);
}

int trial_passes(const struct context *ctx, uint8_t *data, uint32_t length, uint64_t index)
{
	uint32_t tag = suite_table[ctx->suite].tag_bytes, keep = backend_keep;
	struct backend_op op =
				  {
					  .ctx = (struct context *)ctx, // of which a pure back end
									// reads the keys alone
					  .data = data,
					  .length = length,
					  .clear = length > tag
							   ? state_rtp_clear(data, length - tag)
							   : 0,
					  .index = index,
				  },
			  *ops[] = {&op};

	if (!state_backends[ctx->backend]->pure)
		return -ENOTSUP;
	if (op.clear == 0 || ctx->direction != CONTEXT_UNPROTECT)
		return -EINVAL;
	op.ssrc = (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 | (uint32_t)data[10] << 8 |
		  data[11];
	backend_keep = 0; // which is for packets, not for trials
	state_transforms(ctx)->transform[BACKEND_UNPROTECT](ops, 1);
	backend_keep = keep;
	return op.status == BURST_OK;
}
