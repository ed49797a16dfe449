/* A set of addresses in memory: sorted ranges, without those that entries take away. Pure. */
#pragma once

#include <stddef.h>

#include "daemon/lists/entry.h"

struct address_set;

/* NULL when out of memory. */
struct address_set *address_set_new(void);
void address_set_free(struct address_set *set);

/* Adds the range of an entry of the kind ENTRY_RANGE, or takes it away where the entry says
 * `allow`, whichever comes first. 0, or -1 when out of memory. */
int address_set_add(struct address_set *set, const struct list_entry *entry);

/* Sorts, joins and cuts; must be called once after the last addition, before the first look-up. 0,
 * or -1 when out of memory. */
int address_set_finish(struct address_set *set);

/* Ranges that neither overlap nor touch. */
size_t address_set_count(const struct address_set *set);

bool address_set_has(const struct address_set *set, const struct address *address);
