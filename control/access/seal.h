// SPDX-License-Identifier: BSD-3-Clause
// Sealing of what the database keeps secret: AES-256-GCM under a key in a file beside it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SEAL_OVERHEAD 28 // nonce in front, tag behind

struct seal;
// Reads the key of 32 bytes in `path`; `make` it there (mode 0600) if it is missing. NULL and
// errno: ENOENT, EACCES if others may read it, EINVAL if it is not 32 bytes long.
struct seal *seal_new(const char *path, bool make);
void seal_free(struct seal *seal);

// Seals `length` bytes into length + SEAL_OVERHEAD. What is sealed for one `name` does not open
// for another. 0 or -EIO.
int seal_close(const struct seal *seal, const char *name, const void *in, size_t length, void *out);
// Opens `length` sealed bytes into length - SEAL_OVERHEAD. 0, or -EBADMSG with `out` wiped.
int seal_open(const struct seal *seal, const char *name, const void *in, size_t length, void *out);
