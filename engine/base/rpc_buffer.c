// SPDX-License-Identifier: BSD-3-Clause
// A queue of bytes that wipes its memory; any thread, one at a time.
#include "engine/base/rpc_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_BYTES 4096
#define KEEP_BYTES  65536 // an empty buffer above it is given back

char *rpc_buffer_head(const struct rpc_buffer *buffer)
{
	return buffer->data + buffer->start;
}

void rpc_buffer_free(struct rpc_buffer *buffer)
{
	if (buffer->data)
		explicit_bzero(buffer->data, buffer->capacity);
	free(buffer->data);
	*buffer = (struct rpc_buffer){0};
}

char *rpc_buffer_room(struct rpc_buffer *buffer, size_t size)
{
	struct rpc_buffer grown = {.length = buffer->length};

	if (buffer->data && buffer->capacity - buffer->start - buffer->length >= size)
		return rpc_buffer_head(buffer) + buffer->length;
	grown.capacity = buffer->capacity ? buffer->capacity : FIRST_BYTES;
	while (grown.capacity - buffer->length < size)
		grown.capacity *= 2;
	// realloc() would leave the old bytes behind
	grown.data = malloc(grown.capacity);
	if (!grown.data)
		return NULL;
	if (buffer->length)
		memcpy(grown.data, rpc_buffer_head(buffer), buffer->length);
	rpc_buffer_free(buffer);
	*buffer = grown;
	return buffer->data + buffer->length;
}

bool rpc_buffer_append(struct rpc_buffer *buffer, const void *data, size_t size)
{
	char *room = rpc_buffer_room(buffer, size);

	if (!room)
		return false;
	memcpy(room, data, size);
	buffer->length += size;
	return true;
}

void rpc_buffer_consume(struct rpc_buffer *buffer, size_t size)
{
	explicit_bzero(rpc_buffer_head(buffer), size);
	buffer->start += size;
	buffer->length -= size;
	if (buffer->length)
		return;
	buffer->start = 0;
	if (buffer->capacity > KEEP_BYTES)
		rpc_buffer_free(buffer);
}

ssize_t rpc_buffer_recv(struct rpc_buffer *buffer, int fd, size_t size)
{
	char *room = rpc_buffer_room(buffer, size);
	ssize_t n;

	if (!room) {
		errno = ENOMEM;
		return -1;
	}
	do {
		n = recv(fd, room, size, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		buffer->length += n;
	return n;
}

ssize_t rpc_buffer_send(struct rpc_buffer *buffer, int fd)
{
	ssize_t n;

	if (!buffer->length)
		return 0;
	do {
		n = send(fd, rpc_buffer_head(buffer), buffer->length, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		rpc_buffer_consume(buffer, n);
	return n;
}
