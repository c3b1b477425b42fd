// SPDX-License-Identifier: BSD-3-Clause
// What workers may still read is freed only after a grace period, many objects at a time. Control
// thread.
#pragma once

struct retire;

// Ends the life of an object, on the control thread.
typedef void (*retire_cb)(void *arg, void *object);

struct retire *retire_new(void *arg);
// When no reader is left: ends everything that is retired.
void retire_free(struct retire *retire);

// `object` is unreachable for new readers; `end(arg, object)` follows. NULL is nothing. Cannot
// fail: it waits for a grace period when very much is retired at once.
void retire(struct retire *retire, retire_cb end, void *object);

// From a timer: ends what a grace period has passed for, begins the next one.
void retire_tick(struct retire *retire);
// Waits for a grace period and ends everything.
void retire_flush(struct retire *retire);

unsigned retire_pending(const struct retire *retire);
