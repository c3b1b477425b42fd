// SPDX-License-Identifier: BSD-3-Clause
// The table of the ways. Workers.
#include "engine/way.h"

#include "engine/stage.h"

#define RUN(name)                                                                                  \
	{                                                                                          \
		STAGE_##name, stage_##name                                                         \
	}
// The stream of each packet, and that it is this worker's
#define FIND	RUN(parse), RUN(lookup), RUN(demux), RUN(claim)
#define PROTECT RUN(protect), RUN(rewrite), RUN(tx)
// Where applications are not served: neighbours of the host port are, still
#define IGNORE                                                                                     \
	{                                                                                          \
		RUN(parse), RUN(lookup), RUN(free)                                                 \
	}

const struct way way_table[FWD_COUNT][WAY_SOURCES][WAY_STAGES] =
	{
		[FWD_direct] =
			{
				[WAY_WIRE] = {FIND, RUN(unprotect), RUN(rewrite), RUN(tx)},
				[WAY_HOST] = {FIND, PROTECT},
			},
		[FWD_echo] =
			{
				[WAY_WIRE] = {FIND, RUN(unprotect), RUN(echo), RUN(lookup),
					RUN(demux), RUN(claim), PROTECT},
				[WAY_HOST] = IGNORE,
			},
		[FWD_sink] =
			{
				[WAY_WIRE] = {FIND, RUN(unprotect), RUN(sink)},
				[WAY_HOST] = {FIND, RUN(protect), RUN(sink)},
			},
		[FWD_io] =
			{
				[WAY_WIRE] = {RUN(io)},
				[WAY_HOST] = {RUN(io)},
			},
		[FWD_gen] =
			{
				[WAY_WIRE] = {FIND, RUN(unprotect), RUN(sink)},
				[WAY_HOST] = IGNORE,
				[WAY_GENERATOR] = {RUN(lookup), RUN(demux), RUN(claim), PROTECT},
			},
};
