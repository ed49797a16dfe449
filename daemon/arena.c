#include "daemon/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) unsigned char bytes[];
};

void *arena_take(struct arena *arena, size_t count, size_t size)
{
	struct arena_block *block = NULL;

	if (!size || count <= (SIZE_MAX / 2 - sizeof(*block)) / size)
		block = calloc(1, sizeof(*block) + count * size);
	if (!block) {
		arena->exhausted = true;
		return NULL;
	}
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void arena_end(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}
