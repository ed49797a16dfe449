/* Reads a stream of HTTP/1 messages as the gateway does and prints every one of them again as it
 * would be sent on, so that fuzz targets can compare what the gateway understood with what it says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct retelling {
	char *bytes; /* owned; the messages as sent on */
	size_t length;
	size_t messages; /* complete ones */
	int failed;	 /* the stream broke the rules */
};

/* method: that of the requests that these responses answer; NULL: the bytes are requests. step:
 * bytes given to the reader at once. What is understood must not depend on it. */
struct retelling retell(const char *method, const uint8_t *bytes, size_t length, size_t step);

/* Aborts when the stream is understood differently in other steps, or when what is sent on is not
 * understood as the same messages again. */
void retell_and_compare(const char *method, const uint8_t *bytes, size_t length);
