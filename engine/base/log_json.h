// SPDX-License-Identifier: BSD-3-Clause
// Text of any bytes as the inside of a JSON string; any thread.
#pragma once

#include <stddef.h>

// Appends `text` at out + n, up to `size` in all: escaped where JSON demands it, what is not UTF-8
// as U+FFFD; where it does not fit, "..." ends it. The new length.
size_t log_json_text(char *out, size_t n, size_t size, const char *text);
