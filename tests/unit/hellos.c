#include "tests/unit/hellos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void bytes_put(struct bytes *bytes, const void *more, size_t length)
{
	assert_true(bytes->length + length <= BYTES_MAX);
	if (length)
		memcpy(bytes->at + bytes->length, more, length);
	bytes->length += length;
}

void bytes_put_number(struct bytes *bytes, size_t number, unsigned width)
{
	uint8_t digits[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
			      (uint8_t)(number >> 8), (uint8_t)number };

	bytes_put(bytes, digits + 4 - width, width);
}

void bytes_put_extension(struct bytes *bytes, unsigned type, const void *content, size_t length)
{
	bytes_put_number(bytes, type, 2);
	bytes_put_number(bytes, length, 2);
	bytes_put(bytes, content, length);
}

void bytes_put_server_name(struct bytes *bytes, const void *name, size_t length)
{
	bytes_put_number(bytes, 0, 2);
	bytes_put_number(bytes, length + 5, 2);
	bytes_put_number(bytes, length + 3, 2);
	bytes_put_number(bytes, 0, 1);
	bytes_put_number(bytes, length, 2);
	bytes_put(bytes, name, length);
}

/* A plain TLS 1.2 hello around an extension block: what OpenSSL as a server goes on with. */
void bytes_put_hello(struct bytes *bytes, const struct bytes *extensions)
{
	static const uint8_t start[35] = { 3, 3, 1, 2, 3 };

	bytes->length = 0;
	bytes_put(bytes, start, sizeof start);
	bytes_put(bytes, "\x00\x06\xc0\x2f\xc0\x30\x00\xff", 8);
	bytes_put(bytes, "\x01\x00", 2);
	bytes_put_number(bytes, extensions->length, 2);
	bytes_put(bytes, extensions->at, extensions->length);
}

/* Wraps a message into records of at most size bytes; 0: of random sizes. */
void bytes_put_records(struct bytes *out, const uint8_t *from, size_t length, size_t size)
{
	static struct bytes whole;

	whole.length = 0;
	bytes_put_number(&whole, 1, 1);
	bytes_put_number(&whole, length, 3);
	bytes_put(&whole, from, length);
	out->length = 0;
	for (size_t done = 0; done < whole.length;) {
		size_t part = size ? size : 1 + (size_t)rand() % (rand() % 2 ? 3 : 600);

		part = part < whole.length - done ? part : whole.length - done;
		bytes_put(out, "\x16\x03\x01", 3);
		bytes_put_number(out, part, 2);
		bytes_put(out, whole.at + done, part);
		done += part;
	}
}
