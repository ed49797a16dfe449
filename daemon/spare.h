/* Blocks of memory that have been given back and not yet returned to the allocator. A busy connection
 * asks for the same few sizes thousands of times a second, and many at a time: more than the C
 * library keeps at hand. One store for the process; it keeps nothing unless somebody says so. */
#pragma once

#include <stddef.h>

/* Keeps at most so many bytes from now on; with 0 it gives all back. */
void spare_keep(size_t most);

/* Like malloc(), realloc() and free(), for one another's blocks. */
void *spare_take(size_t size);
void *spare_resize(void *block, size_t size);
void spare_give(void *block);
