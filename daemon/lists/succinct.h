/* The tries in which sing-box (.srs) and mihomo (.mrs) keep names: the reversed names as a tree in
 * level order (LOUDS). Bits and labels are foreign bytes and stay where they are. Pure. */
#pragma once

#include "daemon/reader.h"

enum {
	SUCCINCT_LABELS_MAX = 8 << 20, /* the walk needs 4 bytes for each */
	SUCCINCT_KEY_MAX = 256,
};

struct succinct {
	struct span leaves; /* big-endian 64-bit words: bit n says that a key ends in node n */
	struct span bitmap; /* likewise: of each node a 0 for every child, then a 1 */
	struct span labels; /* the character on the way to node n + 1 */
};

/* Takes one key, turned round: the name as it is read. false ends the walk. */
typedef bool succinct_sink(void *context, const char *name);

/* Gives every key; those longer than SUCCINCT_KEY_MAX are given as "". 0; -1 when the sink ended it
 * or memory is short; -2 when the tree is none. */
int succinct_walk(const struct succinct *trie, succinct_sink *sink, void *context);
