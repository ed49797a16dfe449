/* A set of lists by their numbers in a compiled file: what a look-up answers. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LISTS_MAX = 256 }; /* lists in one compiled file */

struct list_set {
	uint64_t words[LISTS_MAX / 64];
};

/* list is below LISTS_MAX; a larger number is in no set. */
bool list_set_has(const struct list_set *set, unsigned list);
void list_set_add(struct list_set *set, unsigned list);

bool list_set_is_empty(const struct list_set *set);

/* Adds, or takes away, every list of other. */
void list_set_join(struct list_set *set, const struct list_set *other);
void list_set_subtract(struct list_set *set, const struct list_set *other);

/* Leaves only what other has too. */
void list_set_intersect(struct list_set *set, const struct list_set *other);
