// SPDX-License-Identifier: BSD-3-Clause
// Files that hold a secret key: read, or made when they are not there. Start-up only.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// Writes a new key to `out` (size bytes). Its length, or -errno.
typedef ssize_t (*keyfile_make)(void *out, size_t size);

// The key in the file, whole; one that is not there is made first, with mode 0600, unless `make` is
// NULL. Of several processes that make it at a time, one's key is everybody's. Its length, which is
// 1 to `size`; -EACCES if others may read it, -EINVAL if it is empty or longer, or another -errno:
// then `out` is wiped.
ssize_t keyfile_get(const char *path, void *out, size_t size, keyfile_make make);
