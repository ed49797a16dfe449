#include "daemon/lists/hash.h"

#include <endian.h>
#include <string.h>

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void mix(uint64_t v[static 4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static inline void add_word(struct hash *hash, uint64_t word)
{
	hash->v[3] ^= word;
	mix(hash->v);
	hash->v[0] ^= word;
}

static uint64_t load64(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof word);
	return le64toh(word);
}

static uint64_t load32(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof word);
	return le32toh(word);
}

/* Up to 7 bytes, little-endian, without a loop: the two loads overlap in equal bytes. */
static uint64_t load_rest(const uint8_t *bytes, size_t length)
{
	if (length >= 4)
		return load32(bytes) | load32(bytes + length - 4) << 8 * (length - 4);
	if (!length)
		return 0;
	return bytes[0] | (uint64_t)bytes[length / 2] << 8 * (length / 2) |
	       (uint64_t)bytes[length - 1] << 8 * (length - 1);
}

void hash_begin(struct hash *hash, const uint8_t seed[static HASH_SEED])
{
	uint64_t low = load64(seed);
	uint64_t high = load64(seed + 8);

	hash->v[0] = low ^ UINT64_C(0x736f6d6570736575);
	hash->v[1] = high ^ UINT64_C(0x646f72616e646f6d);
	hash->v[2] = low ^ UINT64_C(0x6c7967656e657261);
	hash->v[3] = high ^ UINT64_C(0x7465646279746573);
}

/* Each piece ends in a word that holds its length, as SipHash's only piece does. */
void hash_add(struct hash *hash, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	size_t left = length;

	for (; left >= 8; left -= 8, next += 8)
		add_word(hash, load64(next));
	add_word(hash, load_rest(next, left) | (uint64_t)length << 56);
}

uint64_t hash_value(const struct hash *hash)
{
	struct hash last = *hash;

	last.v[2] ^= 0xff;
	mix(last.v);
	mix(last.v);
	mix(last.v);
	return last.v[0] ^ last.v[1] ^ last.v[2] ^ last.v[3];
}
