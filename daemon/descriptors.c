#include "daemon/descriptors.h"

#include <limits.h>
#include <sys/syscall.h>
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

/* A kernel before 5.9 has to be asked one by one. */
static void close_all(unsigned first, unsigned last)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
	for (unsigned fd = first; fd <= last && (long)fd < most; fd++)
		close((int)fd);
}

void descriptors_close_others(const int *kept, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	while (from) {
		unsigned stop = next_kept(kept, count, from);

		if (stop > from)
			close_all(from, stop - 1);
		from = stop == UINT_MAX ? 0 : stop + 1;
	}
}
