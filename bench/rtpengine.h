// SPDX-License-Identifier: BSD-3-Clause
// Debian's rtpengine in user space, set up by its ng protocol: RTP to SRTP. Main thread, in the
// network namespace of the load.
#pragma once

#include <stdint.h>

#include "bench/load.h"

// Whether it is installed.
bool rtpengine_installed(void);

// Starts it, on the core for what is measured, and sets up a call for each stream: RTP from the
// load's socket `out`, SRTP to its socket `in`. Fills in the load's pid, `to` and `keys`. Ends the
// program if it does not start or refuses.
void rtpengine_start(struct load *load);
const char *rtpengine_version(void); // "10.5.3.5-1+deb12u1", "" if it does not tell
