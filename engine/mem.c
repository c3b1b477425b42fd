// SPDX-License-Identifier: BSD-3-Clause
// A slab allocator: blocks of one size lie together, so that few pages hold what each packet reads;
// a free list for each size. Control thread. A block on a free list is
// zero but for its first word.
#include "engine/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE	    64
#define CLASSES	    2048 // blocks up to 128 KiB
#define ARENA_BYTES (2ul << 20)

struct arena {
	struct arena *next;
	uint8_t *memory;
};

struct block {
	struct block *next;
};

// Blocks of one size.
struct class
{
	struct block *free;
	uint8_t *at; // what is left of its newest arena
	size_t left;
};

struct mem {
	struct arena *arenas;
	size_t mapped, used;
	struct class classes[CLASSES];
};

struct mem *mem_new(void)
{
	return calloc(1, sizeof(struct mem));
}

void mem_free(struct mem *mem)
{
	if (!mem)
		return;
	while (mem->arenas) {
		struct arena *arena = mem->arenas;

		mem->arenas = arena->next;
		explicit_bzero(arena->memory, ARENA_BYTES);
		munmap(arena->memory, ARENA_BYTES);
		free(arena);
	}
	free(mem);
}

// Maps an arena that begins on a huge page's boundary.
static uint8_t *map_arena(void)
{
	uint8_t *raw = mmap(
		NULL, 2 * ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *start;

	if (raw == MAP_FAILED)
		return NULL;
	start = (uint8_t *)(((uintptr_t)raw + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1));
	if (start > raw)
		munmap(raw, (size_t)(start - raw));
	munmap(start + ARENA_BYTES, (size_t)(raw + ARENA_BYTES - start));
	madvise(start, ARENA_BYTES, MADV_DONTDUMP);
	madvise(start, ARENA_BYTES, MADV_HUGEPAGE);
	return start;
}

static int grow(struct mem *mem, struct class *class)
{
	struct arena *arena = malloc(sizeof(*arena));

	if (!arena)
		return -1;
	arena->memory = map_arena();
	if (!arena->memory) {
		free(arena);
		return -1;
	}
	arena->next = mem->arenas;
	mem->arenas = arena;
	class->at = arena->memory;
	class->left = ARENA_BYTES;
	mem->mapped += ARENA_BYTES;
	return 0;
}

static size_t lines_of(size_t size)
{
	return (size + LINE - 1) / LINE;
}

void *mem_get(struct mem *mem, size_t size)
{
	size_t bytes = lines_of(size) * LINE;
	struct class *class;
	struct block *block;

	if (bytes == 0 || bytes / LINE >= CLASSES)
		return NULL;
	class = &mem->classes[bytes / LINE];
	block = class->free;
	if (block) {
		class->free = block->next;
		block->next = NULL;
		mem->used += bytes;
		return block;
	}
	if (class->left < bytes && grow(mem, class) != 0)
		return NULL;
	block = (struct block *)class->at;
	class->at += bytes;
	class->left -= bytes;
	mem->used += bytes;
	return block;
}

void mem_put(struct mem *mem, void *block, size_t size)
{
	size_t bytes = lines_of(size) * LINE;
	struct class *class = &mem->classes[bytes / LINE];
	struct block *b = block;

	if (!b)
		return;
	explicit_bzero(block, bytes);
	b->next = class->free;
	class->free = b;
	mem->used -= bytes;
}

void mem_usage(const struct mem *mem, size_t *mapped, size_t *used)
{
	*mapped = mem->mapped;
	*used = mem->used;
}
