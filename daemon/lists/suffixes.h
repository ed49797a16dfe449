/* The names of a compiled file: a table of keyed hashes of every listed name, asked once for each
 * parent of a host name that could be listed. A match is held against the text in the file, so that
 * an answer is exact. Trusts nothing it reads, as ranges.h. Pure. */
#pragma once

#include "daemon/lists/entry.h"
#include "daemon/lists/layout.h"
#include "daemon/lists/ranges.h"

struct suffixes {
	uint8_t seed[HASH_SEED];
	uint64_t self_depths[2], below_depths[2];
	const int16_t *buckets; /* bucket_count + 1 */
	const uint8_t *tags;
	const uint16_t *remainders;
	const uint32_t *text_starts; /* as buckets */
	struct members members;
	const struct layout_reach *classes;
	const uint8_t *text;
	const uint32_t *origin_starts; /* as buckets */
	const uint8_t *origins;
	uint32_t bucket_count, count, class_count, text_size, origin_size;
};

/* Points into parsed sections, which must outlive it as must the header they came from. False when
 * their sizes do not go together. */
bool suffixes_begin(struct suffixes *suffixes, const struct layout_header *header,
		    const struct section sections[static SECTION_COUNT]);

/* True when at least one list holds the canonical name; *set then says which. An entry that takes a
 * name away wins over those of its own list that add it. */
bool suffixes_find(const struct suffixes *suffixes, const char *name, struct list_set *set);

/* Visits every stored entry that reaches the canonical name, also those that take it away. */
void suffixes_search(const struct suffixes *suffixes, const char *name, origin_visit *visit,
		     void *context);

/* Visits every stored entry. */
void suffixes_each(const struct suffixes *suffixes, origin_visit *visit, void *context);

/* The hash of a whole canonical name, *labels its number of labels. For the builder. */
uint64_t suffixes_hash(const uint8_t seed[static HASH_SEED], const char *name, unsigned *labels);
