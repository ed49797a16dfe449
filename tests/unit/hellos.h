/* ClientHellos under construction, right and wrong, for tests of daemon/tls/hello.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { BYTES_MAX = 1 << 20 };

struct bytes {
	size_t length;
	uint8_t at[BYTES_MAX];
};

/* Each appends; more than BYTES_MAX fails the test. A number is width bytes wide, network order. */
void bytes_put(struct bytes *bytes, const void *more, size_t length);
void bytes_put_number(struct bytes *bytes, size_t number, unsigned width);
void bytes_put_extension(struct bytes *bytes, unsigned type, const void *content, size_t length);
void bytes_put_server_name(struct bytes *bytes, const void *name, size_t length);

/* Makes bytes a plain hello of TLS 1.2 around an extension block: what OpenSSL as a server goes on with. */
void bytes_put_hello(struct bytes *bytes, const struct bytes *extensions);

/* Makes out a message in records of at most size bytes; 0: of random sizes. */
void bytes_put_records(struct bytes *out, const uint8_t *from, size_t length, size_t size);
