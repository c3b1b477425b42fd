// SPDX-License-Identifier: BSD-3-Clause
// Stage: SRTP to RTP (RFC 3711 section 3.3, RFC 7714), of packets from the wire. Workers.
#include "engine/explain.h"
#include "engine/stage_crypto.h"

void stage_unprotect(struct worker *w, struct packet_batch *batch)
{
	unsigned good;

	explain_refill(w, batch->now);
	good = stage_crypto(w, batch, burst_unprotect, burst_unprotect_rtcp);

	counter_add(&w->counters.unprotected_packets, good);
}
