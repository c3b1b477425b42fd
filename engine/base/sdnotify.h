// SPDX-License-Identifier: BSD-3-Clause
// Tells the service manager how a daemon is (the protocol of sd_notify(3), written to
// $NOTIFY_SOCKET); any thread. Does nothing where no service manager listens.
#pragma once

#include <stdint.h>

// "READY=1", "STOPPING=1", several lines with '\n' between them. Does not wait. 0 (also where
// nobody listens) or -errno: -EAGAIN may be tried again.
int sdnotify_send(const char *state);

// How often the service manager's watchdog wants a sign of life from this process ($WATCHDOG_USEC,
// $WATCHDOG_PID); 0: never.
uint64_t sdnotify_watchdog_us(void);
