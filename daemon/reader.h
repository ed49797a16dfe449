/* A cursor over foreign bytes that remembers its first failure: a parser on top of it is a straight
 * list of reads followed by one question. Reads past the end yield zeros and set failed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const uint8_t *next;
	const uint8_t *end;
	bool failed;
};

/* A part of foreign bytes: never NUL-terminated, owned by whoever owns the bytes. */
struct span {
	const uint8_t *bytes;
	size_t length;
};

/* Points the cursor at length bytes; they must outlive it. */
void reader_begin(struct reader *reader, const void *bytes, size_t length);

/* Bytes not yet read; 0 after a failure. */
size_t reader_left(const struct reader *reader);

/* Big-endian integers; 0 after a failure. */
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u24(struct reader *reader);
uint32_t reader_u32(struct reader *reader);

/* Takes length bytes; an empty span after a failure. */
struct span reader_take(struct reader *reader, size_t length);

/* Takes a vector that carries its own length in 1 or 2 bytes and returns a cursor over it; the
 * cursor is failed when the vector does not fit. */
struct reader reader_vector8(struct reader *reader);
struct reader reader_vector16(struct reader *reader);
