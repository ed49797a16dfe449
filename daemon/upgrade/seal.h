/* Whether an image is from whom the box trusts: an Ed25519 signature (RFC 8032) under the key that
 * came with the box; and the running digest of a part. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image;
struct digest;

/* True when the head's signature is of the public key in this PEM file. Errors are no, and are
 * said. */
bool seal_holds(const struct image *image, const char *head, const char *key_file);

/* A SHA-256 that is fed in pieces; NULL when out of memory. digest_is() ends it: true when it is
 * this one. */
struct digest *digest_new(void);
bool digest_add(struct digest *digest, const void *bytes, size_t length);
bool digest_is(struct digest *digest, const uint8_t *wanted);
void digest_free(struct digest *digest);
