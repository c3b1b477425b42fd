// SPDX-License-Identifier: BSD-3-Clause
// The server: listens, and gives each request its answer. One thread, one event loop.
#pragma once

#include <event2/event.h>

#include "control/access/config.h"

struct server;
// Opens the store, keys, certificate and listener. NULL and one line in `error`. `config` is
// borrowed.
struct server *server_new(
	struct event_base *base, const struct config *config, char error[CONF_ERROR_MAX]);
void server_free(struct server *server);
// Reads certificate and key of another configuration, for connections that come from now on. -1 and
// one line in `error`: the old ones stay.
int server_reload(struct server *server, const struct config *config, char error[CONF_ERROR_MAX]);
// Where it listens, for those who asked for port 0.
int server_address(const struct server *server, struct sockaddr_storage *address);
int server_address_md5(const struct server *server, struct sockaddr_storage *address);
unsigned server_online(const struct server *server);
