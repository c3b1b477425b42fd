// SPDX-License-Identifier: BSD-3-Clause
// Stage: RTP to SRTP (RFC 3711 section 3.3, RFC 7714), of packets from the applications. Workers.
#include "engine/stage_crypto.h"

void stage_protect(struct worker *w, struct packet_batch *batch)
{
	unsigned good = stage_crypto(w, batch, burst_protect, burst_protect_rtcp);

	counter_add(&w->counters.protected_packets, good);
}
