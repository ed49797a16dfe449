/* A keyed rolling hash: SipHash-1-3 (Aumasson, Bernstein) over pieces. Whoever does not know the
 * seed cannot craft collisions. Its value may be taken after any piece, and the hash goes on. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HASH_SEED = 16 };

struct hash {
	uint64_t v[4];
};

void hash_begin(struct hash *hash, const uint8_t seed[static HASH_SEED]);

/* Adds one piece; "ab", "c" and "a", "bc" differ. */
void hash_add(struct hash *hash, const void *bytes, size_t length);

/* The hash of all pieces so far. */
uint64_t hash_value(const struct hash *hash);
