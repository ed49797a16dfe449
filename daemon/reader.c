#include "daemon/reader.h"

static struct reader vector(struct reader *reader, size_t length)
{
	struct span span = reader_take(reader, length);
	struct reader inner;

	reader_begin(&inner, span.bytes, span.length);
	inner.failed = reader->failed;
	return inner;
}

void reader_begin(struct reader *reader, const void *bytes, size_t length)
{
	reader->next = bytes;
	reader->end = bytes ? reader->next + length : NULL;
	reader->failed = false;
}

size_t reader_left(const struct reader *reader)
{
	return reader->failed ? 0 : (size_t)(reader->end - reader->next);
}

struct span reader_take(struct reader *reader, size_t length)
{
	struct span span = { 0 };

	if (reader->failed || length > reader_left(reader)) {
		reader->failed = true;
		return span;
	}
	span.bytes = reader->next;
	span.length = length;
	if (length)
		reader->next += length;
	return span;
}

uint8_t reader_u8(struct reader *reader)
{
	struct span span = reader_take(reader, 1);

	return span.length ? span.bytes[0] : 0;
}

uint16_t reader_u16(struct reader *reader)
{
	struct span span = reader_take(reader, 2);

	return span.length ? (uint16_t)(span.bytes[0] << 8 | span.bytes[1]) : 0;
}

uint32_t reader_u24(struct reader *reader)
{
	struct span span = reader_take(reader, 3);

	if (!span.length)
		return 0;
	return (uint32_t)span.bytes[0] << 16 | (uint32_t)span.bytes[1] << 8 | span.bytes[2];
}

uint32_t reader_u32(struct reader *reader)
{
	struct span span = reader_take(reader, 4);

	if (!span.length)
		return 0;
	return (uint32_t)span.bytes[0] << 24 | (uint32_t)span.bytes[1] << 16 |
	       (uint32_t)span.bytes[2] << 8 | span.bytes[3];
}

struct reader reader_vector8(struct reader *reader)
{
	return vector(reader, reader_u8(reader));
}

struct reader reader_vector16(struct reader *reader)
{
	return vector(reader, reader_u16(reader));
}
