// SPDX-License-Identifier: BSD-3-Clause
// A client of the engine's API that adds or removes many sessions over one connection, several
// requests under way. Main thread; the client is a thread of its own.
#pragma once

#include "bench/rig.h"

struct setup_socket;

// Opens the engine's socket in a directory of its own and writes all requests, before anything is
// measured: for sessions first to first + n - 1. To remove them, they were added by this. Ends the
// program with a message when it cannot.
struct setup_socket *setup_socket_new(
	struct rig *rig, enum suite_id suite, uint32_t first, uint32_t n, bool add);
void setup_socket_free(struct setup_socket *socket);

// Begins. The caller runs the engine's event base until it is done; then an event wakes that up.
void setup_socket_start(struct setup_socket *socket);
bool setup_socket_done(const struct setup_socket *socket);
