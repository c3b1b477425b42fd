// SPDX-License-Identifier: BSD-3-Clause
// The way of single packets through the stages, with times, and what became of them: headers, never
// payload. Workers write records while a trace is armed; the control thread arms it and reads them.
#pragma once

#include "engine/worker.h"

#define TRACE_MAX	  1000 // packets, of all filters
#define TRACE_FILTERS_MAX 8
#define TRACE_STEPS_MAX	  16

enum trace_kind { TRACE_SESSION, TRACE_SSRC, TRACE_DROPS };
#define TRACE_ANY UINT32_MAX // reason to drop

// Which packets: of a session, with an SSRC, or dropped for a reason.
struct trace_filter {
	enum trace_kind kind;
	uint32_t value; // session, SSRC, or enum drop_reason
	uint32_t count; // as asked for
	int32_t left;	// workers count it down
};

// What became of a packet.
#define TRACE_END_LIST(X)                                                                          \
	X(SENT, "sent")                                                                            \
	X(DROPPED, "dropped")                                                                      \
	X(KERNEL, "to_kernel")                                                                     \
	X(CONTROL, "to_control")                                                                   \
	X(HANDOVER, "handed_over")                                                                 \
	X(ENDED, "ended") // as the forwarding mode wants it

enum trace_end {
#define X(name, text) TRACE_END_##name,
	TRACE_END_LIST(X)
#undef X
		TRACE_END_COUNT,
};

struct trace_step {
	uint8_t stage;	 // enum stage_id
	uint8_t packets; // of the batch when it began
	uint32_t cycles; // of the TSC, from the receive burst to its end
};

struct trace_record {
	uint32_t ready; // the rest is written
	uint16_t worker;
	uint8_t side;	// enum packet_side: where it came from
	uint8_t filter; // that it matched
	uint8_t end;	// enum trace_end
	uint8_t reason; // DROPPED: enum drop_reason
	uint8_t out;	// SENT: enum packet_side
	uint8_t n_steps;
	uint8_t n_media; // bytes there are of `media`
	bool parsed, rtcp;
	uint16_t owner;	  // HANDOVER: the worker
	uint32_t bytes;	  // of the frame
	uint32_t session; // 0: none
	uint64_t tsc;	  // of the receive burst
	struct parse parse;
	uint8_t media[12]; // RTP's header, or the first 8 bytes of RTCP
	struct trace_step steps[TRACE_STEPS_MAX];
};

struct trace {
	int armed; // filters that want more packets
	unsigned n_filters;
	struct trace_filter filters[TRACE_FILTERS_MAX];
	unsigned wanted; // packets, of all filters; control thread
	unsigned used;	 // records taken
	struct trace_record records[TRACE_MAX];
	struct trace_batch *batches[]; // of each worker
};

// ---- workers. A batch is traced from trace_begin() to trace_finish(), if there is a trace.

void trace_begin(struct worker *worker, const struct packet_batch *batch);
// A stage has ended that began with `n` packets.
void trace_stage(struct worker *worker, const struct packet_batch *batch, enum stage_id stage,
	unsigned n, uint64_t now);
void trace_finish(struct worker *worker);
// A packet leaves the batch: its verdict is not VERDICT_GO.
void trace_dispose(struct worker *worker, enum packet_side side, const struct packet *packet);
void trace_drop(struct worker *worker, const struct rte_mbuf *mbuf, enum drop_reason reason);

// ---- control thread

size_t trace_batch_bytes(void);

struct engine;

// 0, -ENOMEM, or -ENOSPC: TRACE_FILTERS_MAX or TRACE_MAX are reached until trace_clear().
int trace_add(struct engine *engine, const struct trace_filter *filter);
void trace_clear(struct engine *engine);
// Spares the workers a trace that wants no more packets; from a timer.
void trace_tick(struct engine *engine);
void trace_fini(struct engine *engine);
