#include "daemon/journal/recent.h"

#include <stdlib.h>
#include <string.h>

/* So much is given up at once, that lines are not moved with every one that is added. */
enum { ROOM_PART = 8 };

struct recent {
	size_t bound;
	size_t length;
	char lines[];
};

struct recent *recent_new(size_t bound)
{
	struct recent *recent = malloc(sizeof(*recent) + bound);

	if (!recent)
		return NULL;
	recent->bound = bound;
	recent->length = 0;
	return recent;
}

void recent_free(struct recent *recent)
{
	free(recent);
}

/* Forgets whole lines from the front, at least so many bytes where there are as many. */
static void forget(struct recent *recent, size_t least)
{
	const char *end = NULL;
	size_t gone;

	if (least < recent->length)
		end = memchr(recent->lines + least, '\n', recent->length - least);
	gone = end ? (size_t)(end - recent->lines) + 1 : recent->length;
	memmove(recent->lines, recent->lines + gone, recent->length - gone);
	recent->length -= gone;
}

void recent_add(struct recent *recent, const char *lines, size_t length)
{
	size_t room = recent->bound - recent->length;

	if (length > recent->bound)
		return;
	if (length > room)
		forget(recent, length - room + recent->bound / ROOM_PART);
	memcpy(recent->lines + recent->length, lines, length);
	recent->length += length;
}

const char *recent_lines(const struct recent *recent, size_t *length)
{
	*length = recent->length;
	return recent->lines;
}
