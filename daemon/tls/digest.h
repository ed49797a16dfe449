/* One SHA-256 over several parts, each with its length before it, so that no two different lists of
 * parts give the same digest: the keys of the session and leaf tables and the session id context.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/reader.h"

enum { DIGEST_SIZE = 32, DIGEST_INPUT_MAX = 1024, DIGEST_HEX_SIZE = 2 * DIGEST_SIZE + 1 };

/* 0; -1 when the parts are longer than DIGEST_INPUT_MAX together or OpenSSL fails. */
int digest_parts(const struct span *parts, size_t count, uint8_t digest[static DIGEST_SIZE]);

/* A part over a NUL-terminated string and over any object. */
struct span digest_string(const char *string);
struct span digest_object(const void *object, size_t size);

/* SHA-256 of the text alone, as sha256sum(1) shows it: for people to compare. Returns hex; "" when OpenSSL fails. */
const char *digest_hex(const char *text, char hex[static DIGEST_HEX_SIZE]);
