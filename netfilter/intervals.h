/* Walks the compiled ranges in order, as intervals of addresses with one signature: pieces that touch are
 * joined, what is in no wanted list is left out. Trusts nothing it reads, as daemon/lists/ranges.h. Pure. */
#pragma once

#include "daemon/lists/ranges.h"
#include "daemon/lists/wide.h"

/* Three sequences, each sorted and disjoint; no address is in two of them. */
enum interval_sequence { INTERVALS4, INTERVALS6, INTERVALS_SPILL6, INTERVAL_SEQUENCES };

struct interval {
	struct wide first, last; /* an IPv4 address in the lower half */
	unsigned signature;	 /* never 0 */
};

/* May be copied, to come back to a place. */
struct interval_walk {
	const struct ranges *ranges;
	const uint8_t *of_class; /* signatures.h; of ranges->class_count */
	enum interval_sequence sequence;
	uint32_t record, bucket;
	bool ahead; /* held is the next one's beginning */
	struct interval held;
};

void interval_walk_begin(struct interval_walk *walk, const struct ranges *ranges,
			 const uint8_t *of_class, enum interval_sequence sequence);

/* False at the end. */
bool interval_walk_next(struct interval_walk *walk, struct interval *interval);
