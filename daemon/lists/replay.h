/* The entries that a compiled file was made of, read back from it: what stands in when the list
 * itself cannot be read. Pure. */
#pragma once

#include "daemon/lists/compiled.h"

/* Gives every entry of list number list to the sink: of those that another of the same list covers,
 * perhaps only the other; together they mean the same. Reads the whole file. 0, or -1 as soon as
 * the sink says so. */
int replay_list(const struct compiled *compiled, unsigned list, entry_sink *sink, void *context);
