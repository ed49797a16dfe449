#include "daemon/lists/set.h"

enum { WORDS = LISTS_MAX / 64 };

bool list_set_has(const struct list_set *set, unsigned list)
{
	return list < LISTS_MAX && (set->words[list / 64] >> list % 64 & 1);
}

void list_set_add(struct list_set *set, unsigned list)
{
	if (list < LISTS_MAX)
		set->words[list / 64] |= UINT64_C(1) << list % 64;
}

bool list_set_is_empty(const struct list_set *set)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < WORDS; i++)
		any |= set->words[i];
	return !any;
}

void list_set_join(struct list_set *set, const struct list_set *other)
{
	for (unsigned i = 0; i < WORDS; i++)
		set->words[i] |= other->words[i];
}

void list_set_subtract(struct list_set *set, const struct list_set *other)
{
	for (unsigned i = 0; i < WORDS; i++)
		set->words[i] &= ~other->words[i];
}

void list_set_intersect(struct list_set *set, const struct list_set *other)
{
	for (unsigned i = 0; i < WORDS; i++)
		set->words[i] &= other->words[i];
}
