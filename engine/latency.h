// SPDX-License-Identifier: BSD-3-Clause
// How long packets are in a worker, from its receive burst to its transmit burst. Each worker
// writes histograms of its own while that is on; the control thread reads them.
#pragma once

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "engine/histogram.h"
#include "engine/worker.h"

struct latency {
	struct histogram out[2]; // cycles of the TSC, by enum packet_side: where the packets left
};

// Worker: `n` packets that were received at `then` have left. One load and branch when it is off.
static inline void latency_sent(struct worker *w, enum packet_side out, uint64_t then, unsigned n)
{
	struct latency *latency = __atomic_load_n(&w->latency, __ATOMIC_ACQUIRE);

	if (unlikely(latency))
		histogram_add_n(&latency->out[out], rte_rdtsc() - then, n);
}

// ---- control thread

struct engine;

// 0 or -ENOMEM: then nothing is changed. Off keeps what was measured, on goes on with it.
int latency_set(struct engine *engine, bool on);
bool latency_is_on(const struct engine *engine);
// Forgets what was measured. 0 or -ENOMEM.
int latency_clear(struct engine *engine);
// Adds a worker's histogram of one side.
void latency_merge(
	const struct engine *engine, unsigned worker, enum packet_side out, struct histogram *into);
// When no worker runs.
void latency_fini(struct engine *engine);
