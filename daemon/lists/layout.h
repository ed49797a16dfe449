/* The file of compiled lists: one header, then sections at stated offsets, everything in the byte
 * order of the machine that wrote it and without a pointer, so that all processes map the same
 * pages. Only the sections marked * are looked at in normal work; the rest stays on the disk. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/lists/hash.h"
#include "daemon/lists/set.h"

enum {
	LAYOUT_VERSION = 3,
	LAYOUT_ALIGNMENT = 64,
	LAYOUT_BLOCK = 65536, /* checksums are taken over pieces of this size */
	LAYOUT_LIST_NAME = 64,
	LAYOUT_CLASSES_MAX = 65536, /* different combinations of lists, the empty one included */
	LAYOUT_INDEX = 65537,	/* one for each value of an address's first 16 bits, and the end */
	LAYOUT_BUCKET_MEAN = 6, /* names in one bucket */
	LAYOUT_BUCKET_MAX = 64,
	LAYOUT_LABELS_MAX = 127, /* of a name, RFC 1035 section 2.3.4 */
	LAYOUT_ORIGIN = 7, /* bytes of one origin in SECTION_NAME_ORIGINS: list 2, mark 1, line 4 */
	LAYOUT_ALLOW =
		4, /* in an origin's mark: takes away; the lower bits are the pattern's kind */
};

enum layout_section {
	SECTION_LISTS,	       /*   struct layout_list, numbered from 0 */
	SECTION_RANGE_CLASSES, /* * struct list_set; class 0 is the empty set */
	SECTION_INDEX4,	       /* * uint32_t[LAYOUT_INDEX] into RANGES4, or nothing */
	SECTION_RANGES4,  /* * uint32_t: last << 16 | first, the low halves of a range inside a /16
			   */
	SECTION_MEMBERS4, /* * class of each, 1 or 2 bytes wide; nothing: all are of class 1 */
	SECTION_INDEX6,	  /* * as INDEX4, into RANGES6 */
	SECTION_RANGES6,  /* * struct layout_range6: whole /64s */
	SECTION_MEMBERS6, /* * as MEMBERS4 */
	SECTION_SPILL6,	  /* * struct layout_spill6: parts of a /64 */
	SECTION_SPILL_MEMBERS6, /* * as MEMBERS4 */
	SECTION_BUCKETS, /* * int16_t: where each bucket begins, less layout_bucket_mean(); and the
			    end */
	SECTION_TAGS,	 /* * uint8_t of each name; names are sorted by hash */
	SECTION_REMAINDERS,    /* * uint16_t of each name: more of its hash */
	SECTION_TEXT_STARTS,   /* * uint32_t of each bucket: where the text of its first name begins
				*/
	SECTION_NAME_MEMBERS,  /* * as MEMBERS4 */
	SECTION_NAME_CLASSES,  /* * struct layout_reach; class 0 reaches nothing */
	SECTION_NAME_TEXT,     /*   of each name: length 1, the name */
	SECTION_ORIGIN_STARTS, /*   uint32_t of each bucket: where its first name's origins begin */
	SECTION_NAME_ORIGINS,  /*   of each name: count 2, origins */
	SECTION_ORIGINS4,      /*   struct layout_origin4, sorted by first */
	SECTION_ORIGINS6,      /*   struct layout_origin6, sorted by first */
	SECTION_COUNT,
};

enum { FILE_ADDRESSES, FILE_NAMES, LIST_FILES }; /* what a list may be made of */

enum layout_file_kind {
	FILE_OF_LINES,	      /* what an entry calls its line is one for people */
	FILE_OF_PACKED_LINES, /* the same once it is unpacked */
	FILE_OF_ENTRIES,      /* binary: it is the entry's number */
};

/* One file that a list was made of; all 0: the list has no such file. */
struct layout_file {
	uint64_t digest;     /* of its bytes and of how they were read; never 0 */
	uint64_t stamp;	     /* of the file as the kernel describes it; 0: not to be relied on */
	uint64_t bad;	     /* lines left out */
	uint32_t first_line; /* what is added to its line numbers: those of the file before */
	uint32_t kind;	     /* enum layout_file_kind */
};

struct layout_list {
	char name[LAYOUT_LIST_NAME];
	uint64_t addresses; /* entries that count, after what others cover is gone */
	uint64_t names;
	uint64_t refused; /* entries that would have hit a guarded address, or made no sense */
	uint64_t entries; /* as they stood in the files */
	int64_t read;	  /* seconds since 1970 at which the files were read */
	struct layout_file files[LIST_FILES];
};

struct layout_range6 {
	uint64_t first, last; /* upper halves */
};

struct layout_spill6 {
	uint64_t upper;
	uint64_t first, last; /* lower halves */
};

/* What one name of the table does, for itself and for what is below it. */
struct layout_reach {
	struct list_set self, below;		 /* lists that have it */
	struct list_set self_allow, below_allow; /* lists that take it away again: these win */
};

struct layout_origin4 {
	uint32_t first, last;
	uint32_t furthest; /* the greatest last up to here */
	uint32_t line;
	uint16_t list;
	uint16_t allow;
};

struct layout_origin6 {
	uint64_t first[2], last[2], furthest[2]; /* upper and lower half */
	uint32_t line;
	uint16_t list;
	uint16_t allow;
};

struct layout_place {
	uint64_t offset, size;
	uint64_t checksum;
};

struct layout_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint64_t size; /* of the file */
	uint8_t seed[HASH_SEED];
	uint64_t self_depths[2];  /* bit n: a name of n labels reaches itself */
	uint64_t below_depths[2]; /* bit n: a name of n labels reaches what is below it */
	uint64_t guards;	  /* of which addresses no list may hold; 0: of none */
	struct layout_place sections[SECTION_COUNT];
	uint64_t checksum; /* of all above */
};

/* A hash cut into the parts that the table of names is searched with; all grow with the hash. Most
 * names in question are not listed and end at the tags: buckets and tags fit a processor's cache.
 */
struct layout_slot {
	uint32_t bucket;
	uint8_t tag;
	uint16_t remainder;
};

struct section {
	const void *bytes;
	size_t count; /* records */
};

/* Fills in magic, version and byte order. */
void layout_begin(struct layout_header *header);

/* Size of one record of the section; 1 for those that are bytes. */
size_t layout_record_size(enum layout_section section);

struct layout_slot layout_slot(uint64_t hash, uint32_t buckets);

/* Where a bucket would begin if all were of one size. */
uint32_t layout_bucket_mean(uint32_t bucket, uint32_t buckets, uint32_t names);

/* The header's own checksum, as it should be. */
uint64_t layout_header_checksum(const struct layout_header *header);

/* The checksum of a section's bytes. */
uint64_t layout_checksum(const void *bytes, size_t size);

/* Checks the header and that every section lies inside; reads nothing else. bytes are 8-byte
 * aligned. False when it is no compiled file of this version and machine, or is cut short or
 * damaged in its header. What a section holds may still be anything: its readers never trust it. */
bool layout_parse(const void *bytes, size_t size, struct section sections[static SECTION_COUNT]);

/* True when every section's checksum is right. For parsed bytes. */
bool layout_verify(const void *bytes);
