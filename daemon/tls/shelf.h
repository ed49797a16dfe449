/* A bounded table keyed by SHA-256 digests: when it is full, what was used least recently falls
 * out. Items are embedded in what they keep. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/tls/digest.h"

struct shelf_item {
	uint8_t key[DIGEST_SIZE];
	struct shelf_item *next; /* of the same bucket */
	struct shelf_item *newer;
	struct shelf_item *older;
};

struct shelf;

/* room: items kept at most; drop() is called for every item that falls out and owns it from then
 * on. NULL when out of memory. */
struct shelf *shelf_new(size_t room, void (*drop)(struct shelf_item *item));

/* Drops all items. */
void shelf_clear(struct shelf *shelf);

/* The same, and the shelf with them. NULL is fine. */
void shelf_free(struct shelf *shelf);

/* The item under key, now the most recently used; NULL when there is none. */
struct shelf_item *shelf_find(struct shelf *shelf, const uint8_t key[static DIGEST_SIZE]);

/* Keeps item, whose key is set and not on the shelf yet. */
void shelf_put(struct shelf *shelf, struct shelf_item *item);

/* Takes item off without dropping it: the caller owns it again. */
void shelf_remove(struct shelf *shelf, struct shelf_item *item);

size_t shelf_count(const struct shelf *shelf);
