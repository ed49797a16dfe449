/* What the tc program finds in its table: shared by netfilter/marker.bpf.c and the loader, so only fixed
 * types. The table is one array of chunks, so that it can be written through mmap; chunk 0 begins with the
 * head, and everything in it is counted in 32-bit words from the table's beginning. */
#pragma once

#ifdef __bpf__
typedef unsigned char uint8_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef long long int64_t;
#else
#include <stdint.h>
#endif

enum {
	MARKER_CHUNK = 4096, /* bytes */
	MARKER_CHUNK_WORDS = MARKER_CHUNK / 4,
	MARKER_CHUNK_STEPS = 10,   /* halvings of a chunk's words */
	MARKER_CHUNKS4_STEPS = 7,  /* halvings of the chunks that a /16 may take */
	MARKER_CHUNKS6_STEPS = 17, /* halvings of all chunks of IPv6 ranges */
	MARKER_BUCKET_MEAN = 5,	   /* IPv4 ranges behind one word of the index, unless it would have */
	MARKER_INDEX_BITS = 20,	   /* more bits than this */
};

/* One table of ranges: where it begins, how many records, and the class of each. */
struct marker_part {
	uint32_t records;
	uint32_t count;
	uint32_t members; /* 0: all are of class 1 */
	uint32_t width;	  /* of a member: 1 or 2 bytes */
};

/* In a word of index4: the range before those that begin here reaches into here. */
#define MARKER_REACHES 0x80000000u

struct marker_head {
	uint32_t mark_mask; /* the bits of the packet mark that tell the signature; 0: mark nothing */
	uint32_t mark_shift;
	uint32_t shift4; /* of an IPv4 address, to the number of its word in the index */
	uint32_t index4; /* into v4, and the end */
	uint32_t index6; /* 65537 words into v6 */
	struct marker_part v4; /* words: last << 16 | first */
	struct marker_part v6; /* struct layout_range6 */
	struct marker_part spill6; /* struct layout_spill6 and one double word more, so that none lies in
				      two chunks */
	uint32_t signatures;	   /* a byte for each class: 0 none, else what the mark says */
	uint32_t class_count;
};
