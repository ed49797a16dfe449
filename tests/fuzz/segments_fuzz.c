// link: daemon/packet/segments.c
#include <stdlib.h>
#include <string.h>

#include "daemon/packet/segments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLAIN_MAX = 70000 };

/* The twin: one byte and one mark for every place. */
struct plain {
	uint8_t bytes[PLAIN_MAX];
	uint8_t known[PLAIN_MAX];
};

static struct plain plain;

static void require(int condition)
{
	if (!condition)
		abort();
}

static int plain_conflicts(size_t offset, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (plain.known[offset + i] && plain.bytes[offset + i] != bytes[i])
			return 1;
	return 0;
}

static void plain_add(size_t offset, const uint8_t *bytes, size_t length)
{
	memcpy(plain.bytes + offset, bytes, length);
	memset(plain.known + offset, 1, length);
}

static void compare(const struct segments *segments)
{
	size_t ready = 0;

	while (plain.known[ready])
		ready++;
	require(segments_ready(segments) == ready);
	require(!ready || !memcmp(segments->bytes, plain.bytes, ready));
	require(segments->size <= SEGMENT_BYTES_MAX);
	for (size_t i = 0; i < segments->run_count; i++)
		require(segments->runs[i].from < segments->runs[i].to &&
			(!i || segments->runs[i - 1].to < segments->runs[i].from));
}

/* Every piece: an offset in two bytes, a length in one, the bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segments segments;

	memset(&plain, 0, sizeof(plain));
	segments_begin(&segments);
	while (size > 3) {
		size_t offset = (size_t)data[0] << 8 | data[1];
		size_t length = data[2];
		int conflict;

		data += 3;
		size -= 3;
		length = length < size ? length : size;
		conflict = plain_conflicts(offset, data, length);
		switch (segments_add(&segments, offset, data, length)) {
		case SEGMENTS_TAKEN:
			require(!conflict);
			plain_add(offset, data, length);
			break;
		case SEGMENTS_CONFLICT:
			require(conflict);
			break;
		default:
			break;
		}
		compare(&segments);
		data += length;
		size -= length;
	}
	segments_end(&segments);
	return 0;
}
