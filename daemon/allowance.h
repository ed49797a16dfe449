/* What one connection holds of the memory that its peers can make grow: heads, bodies under way, the queues of
 * HTTP/2. Such storage is taken through the connection's allowance, which says no like a malloc() that fails, so the
 * bound holds by construction, and what happens at it is what happens when memory is out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct allowance {
	size_t used;  /* bytes, as the allocator counts them */
	size_t most;  /* used is never more, but by what the allocator rounds up once: less than a page */
	bool refused; /* it has said no */
};

/* True when less than an eighth is left: what is under way may need it, nothing new should begin. */
bool allowance_is_tight(const struct allowance *allowance);

/* Like realloc(): old (NULL: none) with a new size. NULL with errno ENOMEM, and old as it was, when the allowance
 * would hold more than most or memory is out. allowance: NULL is fine, nobody counts then. */
void *allowance_resize(struct allowance *allowance, void *old, size_t size);

/* The same for messages: an eighth is left to what keeps the connection going. */
void *allowance_grow(struct allowance *allowance, void *old, size_t size);

/* Like calloc() for one. */
void *allowance_new(struct allowance *allowance, size_t size);

/* Like aligned_alloc(). */
void *allowance_aligned(struct allowance *allowance, size_t alignment, size_t size);

/* Like free(), for what came from the same allowance. */
void allowance_free(struct allowance *allowance, void *bytes);
