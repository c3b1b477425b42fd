// SPDX-License-Identifier: BSD-3-Clause
// Which ports of a range are in use: even ports, each with the odd one above it. A port given back
// rests before it is handed out again, so that late packets of one call never reach the next. The
// agent's one thread.
#pragma once

#include <stdint.h>

struct ports;

struct ports *ports_new(unsigned first, unsigned last, unsigned rest_s); // NULL on lack of memory
void ports_free(struct ports *ports);
// An even port, in random order at first, then the one longest unused; 0 if none is free and
// rested. `now_us`: a monotonic clock.
unsigned ports_take(struct ports *ports, uint64_t now_us);
void ports_give_back(struct ports *ports, unsigned port, uint64_t now_us);
// The port was found in use elsewhere (a session taken up, somebody else's session). Ports out of
// the range are ignored.
void ports_claim(struct ports *ports, unsigned port);
unsigned ports_in_use(const struct ports *ports);
