/* Lists in the kernel without BPF: interval sets of nft in a table of their own, which writes signatures into
 * packet marks. Cut into shards, because the kernel takes time in proportion to a set for every transaction
 * that adds to it; streamed from the compiled ranges in small transactions, in constant memory here and
 * there; a new generation is complete before it is asked, and the old one goes after that. */
#pragma once

#include <stddef.h>

#include "daemon/policy/policy.h"
#include "netfilter/signatures.h"

/* Kernel memory of one interval in bytes, measured; what the budget is held against. */
enum { SHARD_INTERVAL_BYTES = 180, SHARDS_MESSAGE = 256 };

/* Intervals that the policy's ranges make. */
size_t shards_count(const struct policy *policy, const struct signatures *signatures);

/* Loads a generation of the policy's ranges and removes all others. 0, or -1 with errno and a sentence in
 * message; what was in force then still is. */
int shards_load(const struct policy *policy, const struct signatures *signatures,
		char message[static SHARDS_MESSAGE]);

/* True when a generation is in the kernel. */
bool shards_are_there(void);

/* Removes every generation. 0, or -1 with errno. */
int shards_remove(void);
