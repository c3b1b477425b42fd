// SPDX-License-Identifier: BSD-3-Clause
// A queue of bytes in one piece of memory, wiped as it is used up: what goes over TLS has keys in
// it.
#pragma once

#include <stddef.h>

struct bytes {
	char *data; // the memory; the bytes begin at data + start
	size_t start, length, size;
};

// Room for `more` bytes behind the last. NULL on lack of memory. What is written there is counted
// by adding to `length`.
char *bytes_reserve(struct bytes *bytes, size_t more);
int bytes_add(struct bytes *bytes, const void *data, size_t length); // 0 or -ENOMEM
const char *bytes_first(const struct bytes *bytes);
// Wipes and drops the first `length`; the memory is given back with the last of them.
void bytes_drop(struct bytes *bytes, size_t length);
void bytes_fini(struct bytes *bytes);
