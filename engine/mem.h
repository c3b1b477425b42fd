// SPDX-License-Identifier: BSD-3-Clause
// Memory of sessions: 64-byte aligned blocks from large mappings that stay out of core dumps and
// take huge pages where the kernel has them. Freed blocks are used again. Control thread.
#pragma once

#include <stddef.h>

struct mem;

struct mem *mem_new(void);
// Wipes and unmaps everything, blocks in use included.
void mem_free(struct mem *mem);

// A zeroed block, or NULL.
void *mem_get(struct mem *mem, size_t size);
// Wipes the block; `size` as in mem_get(). NULL is nothing.
void mem_put(struct mem *mem, void *block, size_t size);

// Bytes mapped, and bytes of blocks in use.
void mem_usage(const struct mem *mem, size_t *mapped, size_t *used);
