// SPDX-License-Identifier: BSD-3-Clause
// A queue of bytes whose memory is wiped before it is given back: lines may carry keys. Any thread,
// one at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct rpc_buffer { // all zero: empty
	char *data;
	size_t start, length, capacity; // the bytes are data[start] to data[start + length]
};

// Room for `size` bytes behind the last one, to be filled and counted into `length`; NULL on lack
// of memory.
char *rpc_buffer_room(struct rpc_buffer *buffer, size_t size);
bool rpc_buffer_append(struct rpc_buffer *buffer, const void *data, size_t size);
// The bytes themselves.
char *rpc_buffer_head(const struct rpc_buffer *buffer);
// Wipes the first `size` bytes and takes them out.
void rpc_buffer_consume(struct rpc_buffer *buffer, size_t size);
void rpc_buffer_free(struct rpc_buffer *buffer);

// One recv() of up to `size` bytes behind the last, or one send() of all; neither blocks nor raises
// SIGPIPE. As the system call, with EINTR hidden.
ssize_t rpc_buffer_recv(struct rpc_buffer *buffer, int fd, size_t size);
ssize_t rpc_buffer_send(struct rpc_buffer *buffer, int fd);
