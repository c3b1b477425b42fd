// SPDX-License-Identifier: BSD-3-Clause
// The unix socket itself, both ends; any thread.
#pragma once

#include <sys/types.h>

// Listens on `path`, mode 0600 from the first moment; its folder is made (0755) if missing. A stale
// socket is replaced. The file descriptor (non-blocking) and which file it is, or -1 and errno:
// EADDRINUSE if somebody answers there, EEXIST if something else than a socket is there.
int rpc_socket_listen(const char *path, dev_t *dev, ino_t *ino);
// Removes the socket unless it has become another's.
void rpc_socket_remove(const char *path, dev_t dev, ino_t ino);
// Connects; -1 and errno. `flags`: SOCK_NONBLOCK or 0.
int rpc_socket_connect(const char *path, int flags);
