#include "daemon/packet/segments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum { ROOM_MIN = 64 }; /* who says a byte or two and no more takes little */

void segments_begin(struct segments *segments)
{
	memset(segments, 0, sizeof(*segments));
}

void segments_end(struct segments *segments)
{
	free(segments->bytes);
	segments_begin(segments);
}

static bool make_room(struct segments *segments, size_t end)
{
	size_t size = segments->size ? segments->size : ROOM_MIN;
	uint8_t *bytes;

	while (size < end)
		size = MIN(2 * size, SEGMENT_BYTES_MAX);
	if (size == segments->size)
		return true;
	bytes = realloc(segments->bytes, size);
	if (!bytes)
		return false;
	segments->bytes = bytes;
	segments->size = size;
	return true;
}

/* The runs that touch from … to: the first of them, and how many. */
static size_t find_touching(const struct segments *segments, size_t from, size_t to, size_t *count)
{
	size_t first = 0;

	while (first < segments->run_count && segments->runs[first].to < from)
		first++;
	*count = 0;
	while (first + *count < segments->run_count && segments->runs[first + *count].from <= to)
		++*count;
	return first;
}

static bool agrees(const struct segments *segments, const struct segment_run *run, size_t offset,
		   struct segment_run piece, const uint8_t *bytes)
{
	size_t from = MAX(run->from, piece.from);
	size_t to = MIN(run->to, piece.to);

	return from >= to || !memcmp(segments->bytes + from, bytes + (from - offset), to - from);
}

/* Puts one run in the place of count of them. */
static void replace_runs(struct segments *segments, size_t first, size_t count,
			 struct segment_run run)
{
	struct segment_run *place = segments->runs + first;

	memmove(place + 1, place + count,
		(segments->run_count - first - count) * sizeof(*segments->runs));
	*place = run;
	segments->run_count += 1 - count;
}

enum segments_answer segments_add(struct segments *segments, size_t offset, const uint8_t *bytes,
				  size_t length)
{
	struct segment_run piece, joined;
	size_t first, count;

	if (!length)
		return SEGMENTS_TAKEN;
	if (offset > SEGMENT_BYTES_MAX || length > SEGMENT_BYTES_MAX - offset)
		return SEGMENTS_TOO_MUCH;
	piece = joined = (struct segment_run){ (uint32_t)offset, (uint32_t)(offset + length) };
	first = find_touching(segments, piece.from, piece.to, &count);
	if (!count && segments->run_count == SEGMENT_RUNS_MAX)
		return SEGMENTS_TOO_MUCH;
	if (!make_room(segments, piece.to))
		return SEGMENTS_NO_MEMORY;
	for (size_t i = first; i < first + count; i++) {
		const struct segment_run *run = &segments->runs[i];

		if (!agrees(segments, run, offset, piece, bytes))
			return SEGMENTS_CONFLICT;
		joined.from = MIN(run->from, joined.from);
		joined.to = MAX(run->to, joined.to);
	}
	memcpy(segments->bytes + offset, bytes, length);
	replace_runs(segments, first, count, joined);
	return SEGMENTS_TAKEN;
}

size_t segments_ready(const struct segments *segments)
{
	return segments->run_count && !segments->runs[0].from ? segments->runs[0].to : 0;
}
