// SPDX-License-Identifier: BSD-3-Clause
// A look at the packets that come in, as lines of the log: a sample, so that no traffic floods it.
// Workers give one packet at a time, if that is on; the control thread writes.
#pragma once

#include "engine/worker.h"

// Worker: notes the first packet of a batch, if its last one has been written. Called while
// shared->verbose is set.
void verbose_note(struct worker *worker, const struct packet_batch *batch);

struct engine;

// ---- control thread
int verbose_set(struct engine *engine, bool on); // 0 or -ENOMEM
bool verbose_is_on(const struct engine *engine);
void verbose_tick(struct engine *engine); // writes what was noted; from a timer
void verbose_fini(struct engine *engine); // when no worker runs
