#include "daemon/descriptors.h"

#include <limits.h>
#include <unistd.h>

/* The smallest kept descriptor that is at least from; UINT_MAX: none. */
static unsigned next_kept(const int *kept, size_t count, unsigned from)
{
	unsigned next = UINT_MAX;

	for (size_t i = 0; i < count; i++)
		if (kept[i] >= 0 && (unsigned)kept[i] >= from && (unsigned)kept[i] < next)
			next = (unsigned)kept[i];
	return next;
}

void descriptors_close_others(const int *kept, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	while (from) {
		unsigned stop = next_kept(kept, count, from);

		if (stop > from)
			close_range(from, stop - 1, 0);
		from = stop == UINT_MAX ? 0 : stop + 1;
	}
}
