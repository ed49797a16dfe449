#include "daemon/journal/output.h"

#include <string.h>

uint64_t lines_count(const char *lines, size_t length)
{
	const char *end = lines + length;
	uint64_t count = 0;

	while ((lines = memchr(lines, '\n', (size_t)(end - lines)))) {
		lines++;
		count++;
	}
	return count;
}
