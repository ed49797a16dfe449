#include "daemon/allowance.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/spare.h"

/* What messages may fill. */
static size_t ceiling(const struct allowance *allowance)
{
	return allowance->most - allowance->most / 8;
}

bool allowance_is_tight(const struct allowance *allowance)
{
	return allowance && allowance->used > ceiling(allowance);
}

static bool refuses(struct allowance *allowance, size_t more, size_t most)
{
	if (allowance->used < most && more <= most - allowance->used)
		return false;
	allowance->refused = true;
	errno = ENOMEM;
	return true;
}

static void *resize(struct allowance *allowance, void *old, size_t size, size_t most)
{
	size_t before = malloc_usable_size(old);
	void *made;

	if (size > before && refuses(allowance, size - before, most))
		return NULL;
	made = spare_resize(old, size);
	if (made)
		allowance->used += malloc_usable_size(made) - before;
	return made;
}

void *allowance_resize(struct allowance *allowance, void *old, size_t size)
{
	return allowance ? resize(allowance, old, size, allowance->most) : spare_resize(old, size);
}

void *allowance_grow(struct allowance *allowance, void *old, size_t size)
{
	return allowance ? resize(allowance, old, size, ceiling(allowance)) : spare_resize(old, size);
}

void *allowance_new(struct allowance *allowance, size_t size)
{
	void *made = allowance_resize(allowance, NULL, size);

	return made ? memset(made, 0, size) : NULL;
}

void *allowance_aligned(struct allowance *allowance, size_t alignment, size_t size)
{
	void *made;

	if (allowance && refuses(allowance, size, allowance->most))
		return NULL;
	made = aligned_alloc(alignment, size);
	if (made && allowance)
		allowance->used += malloc_usable_size(made);
	return made;
}

void allowance_free(struct allowance *allowance, void *bytes)
{
	if (allowance)
		allowance->used -= malloc_usable_size(bytes);
	spare_give(bytes);
}
