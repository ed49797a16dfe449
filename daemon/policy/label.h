/* The names that an owner gives: to lists, devices, upstreams. Private to their readers. */
#pragma once

#include "daemon/policy/grammar.h"

enum { DEFINITIONS_MAX = 4096 }; /* of one kind */

/* The name of pair number index of a mapping of definitions, owned by the caller; NULL after
 * reporting that it is no name or that there are too many. */
char *label_read(struct reading *reading, const struct keyword *keyword, struct value mapping,
		 size_t index);

/* Reports a second definition of a name. */
void label_doubled(struct reading *reading, const struct keyword *keyword, struct value key);
