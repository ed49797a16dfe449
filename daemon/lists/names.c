#include "daemon/lists/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Eight bytes for each pattern beside its name; the names lie end to end in one arena. */
struct entry {
	uint32_t offset;
	uint32_t line : 30;
	uint32_t kind : 2;
};

struct name_set {
	char *arena;
	size_t arena_length;
	size_t arena_size;
	struct entry *entries;
	size_t count;
	size_t size;
};

struct name_set *name_set_new(void)
{
	return calloc(1, sizeof(struct name_set));
}

void name_set_free(struct name_set *set)
{
	if (!set)
		return;
	free(set->arena);
	free(set->entries);
	free(set);
}

static int reserve_arena(struct name_set *set, size_t length)
{
	size_t size = set->arena_size ? set->arena_size : 1024;
	char *arena;

	if (length > UINT32_MAX - set->arena_length) {
		errno = ENOMEM;
		return -1;
	}
	while (size < set->arena_length + length)
		size *= 2;
	if (size == set->arena_size)
		return 0;
	arena = realloc(set->arena, size);
	if (!arena)
		return -1;
	set->arena = arena;
	set->arena_size = size;
	return 0;
}

static int reserve_entry(struct name_set *set)
{
	size_t size = set->size ? set->size * 2 : 64;
	struct entry *entries;

	if (set->count < set->size)
		return 0;
	entries = reallocarray(set->entries, size, sizeof *entries);
	if (!entries)
		return -1;
	set->entries = entries;
	set->size = size;
	return 0;
}

int name_set_add(struct name_set *set, enum name_pattern_kind kind, const char *name, unsigned line)
{
	const uint32_t line_max = (1U << 30) - 1;
	size_t length = strlen(name) + 1;
	struct entry *entry;

	if (reserve_arena(set, length) || reserve_entry(set))
		return -1;
	entry = &set->entries[set->count++];
	entry->offset = (uint32_t)set->arena_length;
	entry->line = line < line_max ? line : line_max;
	entry->kind = kind;
	memcpy(set->arena + set->arena_length, name, length);
	set->arena_length += length;
	return 0;
}

static int compare(const void *left, const void *right, void *arena)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int order = strcmp((char *)arena + a->offset, (char *)arena + b->offset);

	if (order)
		return order;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* Of equal patterns the first line stays. */
static void drop_repeats(struct name_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct entry *last = kept ? &set->entries[kept - 1] : NULL;
		struct entry *entry = &set->entries[i];

		if (!last || last->kind != entry->kind ||
		    strcmp(set->arena + last->offset, set->arena + entry->offset) != 0)
			set->entries[kept++] = *entry;
	}
	set->count = kept;
}

void name_set_finish(struct name_set *set)
{
	struct entry *entries;
	char *arena;

	if (!set->count)
		return;
	qsort_r(set->entries, set->count, sizeof *set->entries, compare, set->arena);
	drop_repeats(set);
	entries = reallocarray(set->entries, set->count, sizeof *entries);
	if (entries) {
		set->entries = entries;
		set->size = set->count;
	}
	arena = realloc(set->arena, set->arena_length);
	if (arena) {
		set->arena = arena;
		set->arena_size = set->arena_length;
	}
}

size_t name_set_count(const struct name_set *set)
{
	return set->count;
}

/* The first entry that is not before name. */
static size_t lower_bound(const struct name_set *set, const char *name)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(set->arena + set->entries[middle].offset, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Looks for an entry of this very name whose kind is not the one that does not apply. */
static bool find(const struct name_set *set, const char *name, enum name_pattern_kind except,
		 unsigned *line)
{
	for (size_t i = lower_bound(set, name); i < set->count; i++) {
		const struct entry *entry = &set->entries[i];

		if (strcmp(set->arena + entry->offset, name) != 0)
			return false;
		if (entry->kind == except)
			continue;
		if (line)
			*line = entry->line;
		return true;
	}
	return false;
}

bool name_set_find(const struct name_set *set, const char *name, unsigned *line)
{
	const char *dot;

	if (!set->count)
		return false;
	if (find(set, name, NAME_SUBDOMAINS, line))
		return true;
	for (dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (find(set, dot + 1, NAME_EXACT, line))
			return true;
	return false;
}
