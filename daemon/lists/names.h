/* A small set of name patterns in memory: a sorted table, exact and sub-domain entries. Big lists are
 * compiled files (not yet). Pure. */
#pragma once

#include "daemon/name.h"

struct name_set;

/* NULL when out of memory. */
struct name_set *name_set_new(void);
void name_set_free(struct name_set *set);

/* Adds a canonical name; 0 or -1 when out of memory. line is kept for explain. */
int name_set_add(struct name_set *set, enum name_pattern_kind kind, const char *name,
		 unsigned line);

/* Sorts; must be called once after the last addition, before the first look-up. */
void name_set_finish(struct name_set *set);

size_t name_set_count(const struct name_set *set);

/* True when the canonical name or one of its parents is in the set; *line (may be NULL) is the entry's. */
bool name_set_find(const struct name_set *set, const char *name, unsigned *line);
