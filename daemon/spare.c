#include "daemon/spare.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* A kind holds what glibc has on offer: eight bytes and a multiple of sixteen. */
enum { FIRST = 8, STEP = 16, KINDS = 257 };

struct spare {
	struct spare *next;
};

static struct spare *spares[KINDS];
static size_t kept, most;

/* The least kind that holds size bytes. */
static size_t kind_for(size_t size)
{
	return size <= FIRST ? 0 : (size - FIRST - 1) / STEP + 1;
}

static size_t size_of(size_t kind)
{
	return FIRST + kind * STEP;
}

static void *pop(size_t kind)
{
	struct spare *spare = spares[kind];

	spares[kind] = spare->next;
	kept -= size_of(kind);
	return spare;
}

void spare_keep(size_t bytes)
{
	most = bytes;
	for (size_t kind = 0; kind < KINDS && !most; kind++)
		while (spares[kind])
			free(pop(kind));
}

void *spare_take(size_t size)
{
	size_t kind = kind_for(size);

	if (!most || kind >= KINDS)
		return malloc(size);
	return spares[kind] ? pop(kind) : malloc(size_of(kind));
}

void spare_give(void *block)
{
	size_t size = malloc_usable_size(block), kind = (size - FIRST) / STEP;
	struct spare *spare = block;

	if (size < FIRST || kind >= KINDS || kept + size_of(kind) > most) {
		free(block);
		return;
	}
	spare->next = spares[kind];
	spares[kind] = spare;
	kept += size_of(kind);
}

void *spare_resize(void *block, size_t size)
{
	size_t before = malloc_usable_size(block);
	void *moved;

	if (!block)
		return spare_take(size);
	if (!most || kind_for(size) >= KINDS)
		return realloc(block, size);
	moved = spare_take(size);
	if (!moved)
		return NULL;
	memcpy(moved, block, MIN(before, size));
	spare_give(block);
	return moved;
}
