/* What tells a list file, as it is now and read in this way, from every other, without reading it.
 */
#pragma once

#include "daemon/lists/format.h"
#include "daemon/lists/hash.h"

/* The stamp of an open file: changes with its content. 0 for none: it is no regular file, or it was
 * changed so shortly ago that the next change might not show. */
uint64_t stamp_of(int descriptor, const struct format_options *options);

/* The same, after a moment in which a change that is too young may become old enough. */
uint64_t stamp_settled(int descriptor, const struct format_options *options);

/* Adds how a file is read to the hash of what it is; the value, never 0. */
uint64_t stamp_finish(struct hash *hash, const struct format_options *options);
