#include "daemon/http/backlog.h"

#include <string.h>

enum { SIZE_FIRST = 2048 };

void backlog_begin(struct backlog *backlog, struct allowance *allowance)
{
	*backlog = (struct backlog){ .allowance = allowance };
}

static int reserve(struct backlog *backlog, size_t more)
{
	size_t size = backlog->size ? backlog->size : SIZE_FIRST;
	char *bytes;

	if (backlog->start + backlog->length + more <= backlog->size)
		return 0;
	if (backlog->start)
		memmove(backlog->bytes, backlog->bytes + backlog->start, backlog->length);
	backlog->start = 0;
	if (backlog->length + more <= backlog->size)
		return 0;
	while (size < backlog->length + more)
		size *= 2;
	bytes = allowance_grow(backlog->allowance, backlog->bytes, size);
	if (!bytes)
		return -1;
	backlog->bytes = bytes;
	backlog->size = size;
	return 0;
}

int backlog_add(struct backlog *backlog, struct span bytes)
{
	if (!bytes.length)
		return 0;
	if (reserve(backlog, bytes.length) < 0)
		return -1;
	memcpy(backlog->bytes + backlog->start + backlog->length, bytes.bytes, bytes.length);
	backlog->length += bytes.length;
	return 0;
}

struct span backlog_view(const struct backlog *backlog)
{
	const uint8_t *bytes = (const uint8_t *)backlog->bytes;

	return (struct span){ bytes ? bytes + backlog->start : NULL, backlog->length };
}

void backlog_drop(struct backlog *backlog, size_t length)
{
	backlog->start += length;
	backlog->length -= length;
	if (!backlog->length)
		backlog_end(backlog);
}

void backlog_end(struct backlog *backlog)
{
	allowance_free(backlog->allowance, backlog->bytes);
	backlog_begin(backlog, backlog->allowance);
}
