// SPDX-License-Identifier: BSD-3-Clause
// Why packets of SRTP did not authenticate. A worker samples a few of those that failed; the
// control thread tries them under other rollover counters and remembers what it found for each
// session.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>

#include "engine/worker.h"

#define EXPLAIN_PER_SECOND 8 // packets that a worker samples
#define EXPLAIN_SESSIONS                                                                           \
	1024 // remembered at most; of those with one number modulo this, the latest

// In the order in which they are tried; what the peer, or a stranger, has sent.
#define EXPLAIN_LIST(X)                                                                            \
	X(ROC_AHEAD, "roc_ahead",                                                                  \
		"passes with the rollover counter plus one: the peer is ahead, half a round of "   \
		"sequence numbers or more was lost")                                               \
	X(ROC_BEHIND, "roc_behind",                                                                \
		"passes with the rollover counter minus one: the peer did not count a round, or "  \
		"the packet is very late")                                                         \
	X(KEY_CHANGED, "key_changed",                                                              \
		"passes with the key of now: it came before the key was changed here")             \
	X(ROC_ZERO, "roc_zero",                                                                    \
		"passes with rollover counter 0: the peer began anew, with the same key")          \
	X(WRONG_KEY, "wrong_key",                                                                  \
		"does not pass, nor did any other with this key: the peer has another key")        \
	X(DAMAGED, "damaged",                                                                      \
		"does not pass, while others do: changed on the way, or made up by a stranger")    \
	X(UNKNOWN, "unknown", "the crypto back end cannot try it again")

enum explain_cause {
#define X(name, text, help) EXPLAIN_##name,
	EXPLAIN_LIST(X)
#undef X
		EXPLAIN_COUNT,
};
extern const char *const explain_names[EXPLAIN_COUNT]; // "roc_ahead"
extern const char *const explain_helps[EXPLAIN_COUNT];

// ---- workers

void explain_allow(struct worker *worker, uint64_t now);

// Allows some samples again, once a second; before each batch to unprotect.
static inline void explain_refill(struct worker *worker, uint64_t now)
{
	if (unlikely(now >= worker->explain_next))
		explain_allow(worker, now);
}

// Copies a packet of SRTP that did not authenticate, if there may be one more; `kept`: it is as it
// came.
void explain_take(struct worker *worker, uint64_t now, const struct packet *packet, bool kept);

// ---- control thread

struct engine;

// The workers' rings: a few packets each. 0 or -ENOMEM.
int explain_init_all(struct worker_shared *shared);
void explain_fini_all(struct worker_shared *shared);

// What was found out about a session.
struct explain {
	uint32_t session;
	uint32_t samples; // looked at
	uint32_t causes[EXPLAIN_COUNT];
	// The latest
	enum explain_cause cause;
	uint64_t tsc;
	uint32_t ssrc;
	uint16_t seq;
	uint64_t index;	    // that it was taken for: rollover counter * 2^16 + seq
	int8_t more, fewer; // passes with a rollover counter one more, one less; -1: not tried
	bool any_good;
	uint32_t good_ssrc; // of the last packet that was forwarded before
	uint16_t good_seq;
	uint64_t good_tsc;
};

struct explain_table;
struct explain_table *explain_table_new(void); // NULL on lack of memory
void explain_table_free(struct explain_table *table);

// Looks into what the workers have sampled.
void explain_tick(struct engine *engine);
// NULL: nothing is known.
const struct explain *explain_of(const struct explain_table *table, uint32_t session);
