// SPDX-License-Identifier: BSD-3-Clause
// The engine's side of its API socket. Control thread.
#pragma once

#include "engine/engine.h"

struct event_base;
struct api_server;

// Listens on `socket_path` (base/rpc.h) and becomes the taker of the engine's session events. NULL
// and errno.
struct api_server *api_server_new(
	struct event_base *base, struct engine *engine, const char *socket_path);
// Lets the members of a group (a name or number) use it, too. 0 or -errno.
int api_server_allow_group(struct api_server *server, const char *group);
// Serves one more client, over this end of a socket pair, which it takes.
void api_server_adopt(struct api_server *server, int fd);
// Before engine_free().
void api_server_free(struct api_server *server);
