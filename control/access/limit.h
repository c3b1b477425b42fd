// SPDX-License-Identifier: BSD-3-Clause
// How many failed logins a source address may make: a bucket for each, in a table of fixed size.
// The server's thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct limit;
// `per_minute` failures, at once or spread; what is used up comes back evenly.
struct limit *limit_new(unsigned per_minute);
void limit_free(struct limit *limit);

// Counts one failure of an address (IPv6: of its /64).
void limit_failed(struct limit *limit, const struct sockaddr *from);
// Seconds until the address may try again, 0: now.
unsigned limit_wait_s(struct limit *limit, const struct sockaddr *from);
