/* Writes binary lists for tests, as their publishers' tools do. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; begins as zero. Running out of memory ends the test program. */
struct image {
	uint8_t *bytes;
	size_t length;
};

void image_add(struct image *image, const void *bytes, size_t length);
void image_add_number(struct image *image, uint64_t number, unsigned width); /* big-endian */
void image_add_varint(struct image *image, uint64_t number);
void image_free(struct image *image);

/* Adds leaves, bitmap and labels of the trie over these names as sing-box and mihomo write it;
 * lengths are 64 bits wide (width 8) or varints (width 0). Names are as read, at most 16, in any
 * order. */
void image_add_trie(struct image *image, const char *const *names, size_t count, unsigned width);

/* Packs what follows offset in place (RFC 1950). */
void image_deflate(struct image *image, size_t offset);

/* A record has country_code "XX" for the value "=XX", an autonomous_system_number for "AS…", and
 * for any other value the country/iso_code that the first prefix's value names. */
struct image_prefix {
	const char *prefix;
	const char *value;
};

/* A MaxMind DB of IP version 4 or 6 with records of 24, 28 or 32 bits. In version 6, IPv4 is
 * reached under
 * ::ffff:0:0/96 as well. */
struct image image_mmdb(const struct image_prefix *prefixes, size_t count, unsigned version,
			unsigned record_size);
