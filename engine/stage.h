// SPDX-License-Identifier: BSD-3-Clause
// The stages of a burst, in the order of the packets' way. Each looks at every packet of the batch
// and gives a verdict; stage_settle() then disposes of those that do not go on. Workers.
#pragma once

#include "engine/packet.h"
#include "engine/worker.h"

// Finds addresses and payload; what is not UDP, or not of our VLAN, leaves here.
void stage_parse(struct worker *worker, struct packet_batch *batch);
// Finds the stream of each packet; what has none goes to the kernel.
void stage_lookup(struct worker *worker, struct packet_batch *batch);
// Tells RTP, RTCP, STUN and DTLS (RFC 7983), drops what the session's direction forbids.
void stage_demux(struct worker *worker, struct packet_batch *batch);
// Takes streams that nobody owns; packets of other workers' streams go to them.
void stage_claim(struct worker *worker, struct packet_batch *batch);
// SRTP to RTP, of packets from the wire.
void stage_unprotect(struct worker *worker, struct packet_batch *batch);
// RTP to SRTP, of packets from the host.
void stage_protect(struct worker *worker, struct packet_batch *batch);
// Puts new Ethernet, IP and UDP headers before the payload.
void stage_rewrite(struct worker *worker, struct packet_batch *batch);
// Sends what is left of the batch out of the other side.
void stage_tx(struct worker *worker, struct packet_batch *batch);

// Of the other forwarding modes (fwd_mode.h).
void stage_echo(struct worker *worker, struct packet_batch *batch);
void stage_sink(struct worker *worker, struct packet_batch *batch);
void stage_free(struct worker *worker, struct packet_batch *batch); // not counted to a stream
void stage_io(struct worker *worker, struct packet_batch *batch);

// Counts a packet that has come to the end of its way to its stream, which is the worker's.
void stage_count(const struct packet *packet, enum packet_side from);

// Disposes of all packets whose verdict is not VERDICT_GO and closes the gaps.
void stage_dispose(struct worker *worker, struct packet_batch *batch);

// How a stage ends. `others`: the verdicts that are not VERDICT_GO, as bits; mostly there is none.
static inline void stage_settle(struct worker *worker, struct packet_batch *batch, uint8_t others)
{
	if (unlikely(others))
		stage_dispose(worker, batch);
}
