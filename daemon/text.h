/* Builds text in storage of a fixed size. What does not fit is left out and remembered in full, so
 * that a builder is a straight list of additions followed by one question. Always NUL-terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes; /* the caller's storage */
	size_t size;
	size_t length; /* without the NUL */
	bool full;     /* something was left out */
};

/* Starts an empty text in storage of size bytes (at least 1). */
void text_begin(struct text *text, char *storage, size_t size);

void text_add(struct text *text, const char *string);
void text_add_char(struct text *text, char character);
void text_add_bytes(struct text *text, const void *bytes, size_t length);
void text_add_number(struct text *text, int64_t number);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a JSON string with its quotes (RFC 8259 section 7). Bytes that are not valid UTF-8 become
 * U+FFFD; control characters are escaped. NULL becomes null. */
void text_add_json(struct text *text, const char *string);
void text_add_json_bytes(struct text *text, const void *bytes, size_t length);

/* Adds base64 with its padding (RFC 4648 section 4). */
void text_add_base64(struct text *text, const void *bytes, size_t length);

/* Adds lower-case hexadecimal digits. */
void text_add_hex(struct text *text, const uint8_t *bytes, size_t length);
