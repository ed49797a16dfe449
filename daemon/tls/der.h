/* DER written from the end to the beginning (X.690 section 8.1): the content is there before its
 * length is needed, so a certificate is a straight list read from the bottom up. What does not fit
 * is remembered, as in reader.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_UTF8_STRING = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

struct der {
	uint8_t *storage;
	uint8_t *first; /* of what has been written */
	uint8_t *end;
	bool failed;
};

/* Starts with nothing at the end of storage. */
void der_begin(struct der *der, uint8_t *storage, size_t size);

/* Bytes written so far. */
size_t der_length(const struct der *der);

/* Puts bytes before everything written so far. */
void der_bytes(struct der *der, const void *bytes, size_t length);

/* Puts tag and length before everything that was written since der_length() was `since`. */
void der_wrap(struct der *der, uint8_t tag, size_t since);

/* Puts a whole element with the given content. */
void der_element(struct der *der, uint8_t tag, const void *content, size_t length);

/* Puts a time, seconds since 1970, in the form that RFC 5280 section 4.1.2.5 demands for its year.
 */
void der_time(struct der *der, int64_t seconds);
