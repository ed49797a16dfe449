/* Memory that is given back all at once: for structures that are built, read and thrown away. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* Begins as { 0 }. */
struct arena {
	struct arena_block *blocks;
	bool exhausted; /* an allocation failed; asked once, at the end of the building */
};

/* Zeroed memory for count items of a size, aligned for anything; NULL when out of memory. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* Gives everything back. */
void arena_end(struct arena *arena);
