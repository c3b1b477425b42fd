// SPDX-License-Identifier: BSD-3-Clause
// A queue of bytes in one piece of memory, wiped as it is used up. Any one thread at a time.
#include "control/sip/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 4096

const char *bytes_first(const struct bytes *bytes)
{
	return bytes->data + bytes->start;
}

// Not realloc(): it would leave a copy behind.
static int grow(struct bytes *bytes, size_t size)
{
	char *data = malloc(size);

	if (data == NULL)
		return -ENOMEM;
	if (bytes->data != NULL) {
		memcpy(data, bytes->data + bytes->start, bytes->length);
		explicit_bzero(bytes->data + bytes->start, bytes->length);
		free(bytes->data);
	}
	bytes->data = data;
	bytes->start = 0;
	bytes->size = size;
	return 0;
}

char *bytes_reserve(struct bytes *bytes, size_t more)
{
	size_t needed = bytes->length + more, size = bytes->size;

	if (bytes->start + needed > bytes->size) {
		if (needed <= bytes->size / 2) {
			memmove(bytes->data, bytes->data + bytes->start, bytes->length);
			explicit_bzero(bytes->data + bytes->length, bytes->start);
			bytes->start = 0;
		} else {
			for (size = size < SIZE_MIN ? SIZE_MIN : size; size < needed;)
				size *= 2;
			if (grow(bytes, size) != 0)
				return NULL;
		}
	}
	return bytes->data + bytes->start + bytes->length;
}

int bytes_add(struct bytes *bytes, const void *data, size_t length)
{
	char *room = bytes_reserve(bytes, length);

	if (room == NULL)
		return -ENOMEM;
	memcpy(room, data, length);
	bytes->length += length;
	return 0;
}

void bytes_drop(struct bytes *bytes, size_t length)
{
	if (length == 0)
		return;
	explicit_bzero(bytes->data + bytes->start, length);
	bytes->start += length;
	bytes->length -= length;
	if (bytes->length == 0)
		bytes_fini(bytes);
}

void bytes_fini(struct bytes *bytes)
{
	if (bytes->data != NULL)
		explicit_bzero(bytes->data + bytes->start, bytes->length);
	free(bytes->data);
	*bytes = (struct bytes){0};
}
