#include "daemon/lists/addresses.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/wide.h"

struct range {
	struct wide first, last;
};

struct range_array {
	struct range *ranges;
	size_t count;
	size_t size;
};

/* Of one family. */
struct half {
	struct range_array added;
	struct range_array taken; /* away; empty when finished */
};

struct address_set {
	struct half v4, v6;
};

struct address_set *address_set_new(void)
{
	return calloc(1, sizeof(struct address_set));
}

void address_set_free(struct address_set *set)
{
	if (!set)
		return;
	free(set->v4.added.ranges);
	free(set->v4.taken.ranges);
	free(set->v6.added.ranges);
	free(set->v6.taken.ranges);
	free(set);
}

static struct wide number_of(const struct address *address)
{
	uint64_t halves[2];

	if (address->family == AF_INET)
		return (struct wide){ 0, ntohl(address->v4.s_addr) };
	memcpy(halves, address->bytes, sizeof(halves));
	return (struct wide){ be64toh(halves[0]), be64toh(halves[1]) };
}

static int append(struct range_array *array, const struct range *range)
{
	size_t size = array->size ? array->size * 2 : 16;
	struct range *grown;

	if (array->count == array->size) {
		grown = reallocarray(array->ranges, size, sizeof(*grown));
		if (!grown)
			return -1;
		array->ranges = grown;
		array->size = size;
	}
	array->ranges[array->count++] = *range;
	return 0;
}

int address_set_add(struct address_set *set, const struct list_entry *entry)
{
	struct half *half = entry->first.family == AF_INET ? &set->v4 : &set->v6;
	struct range range = { number_of(&entry->first), number_of(&entry->last) };

	return append(entry->allow ? &half->taken : &half->added, &range);
}

static int compare(const void *left, const void *right)
{
	const struct range *a = left;
	const struct range *b = right;
	int order = wide_compare(a->first, b->first);

	return order ? order : wide_compare(a->last, b->last);
}

/* False also for the last number of all, behind which nothing can come. */
static bool ends_before(struct wide last, struct wide first)
{
	return wide_compare(last, first) < 0 && wide_compare(wide_next(last), first) < 0;
}

static void sort_and_join(struct range_array *array)
{
	size_t kept = 0;

	if (!array->count)
		return;
	qsort(array->ranges, array->count, sizeof(*array->ranges), compare);
	for (size_t i = 1; i < array->count; i++) {
		struct range *range = &array->ranges[i];
		struct range *before = &array->ranges[kept];

		if (ends_before(before->last, range->first))
			array->ranges[++kept] = *range;
		else if (wide_compare(before->last, range->last) < 0)
			before->last = range->last;
	}
	array->count = kept + 1;
}

/* Appends to left what of the range none of the taken ones holds. *next is the first of them that
 * may reach it: both come in order. */
static int cut(struct range_array *left, struct range range, const struct range_array *taken,
	       size_t *next)
{
	while (*next < taken->count && wide_compare(taken->ranges[*next].last, range.first) < 0)
		++*next;
	for (size_t i = *next; i < taken->count; i++) {
		const struct range *hole = &taken->ranges[i];
		struct range before = { range.first, wide_previous(hole->first) };

		if (wide_compare(hole->first, range.last) > 0)
			break;
		if (wide_compare(hole->first, range.first) > 0 && append(left, &before) != 0)
			return -1;
		if (wide_compare(hole->last, range.last) >= 0)
			return 0;
		range.first = wide_next(hole->last);
	}
	return append(left, &range);
}

static int subtract(struct half *half)
{
	struct range_array left = { 0 };
	size_t next = 0;

	for (size_t i = 0; i < half->added.count; i++) {
		if (cut(&left, half->added.ranges[i], &half->taken, &next) != 0) {
			free(left.ranges);
			return -1;
		}
	}
	free(half->added.ranges);
	free(half->taken.ranges);
	half->added = left;
	half->taken = (struct range_array){ 0 };
	return 0;
}

static int finish(struct half *half)
{
	struct range_array *added = &half->added;
	struct range *shrunk;

	sort_and_join(added);
	sort_and_join(&half->taken);
	if (half->taken.count && subtract(half) != 0)
		return -1;
	if (!added->count)
		return 0;
	shrunk = reallocarray(added->ranges, added->count, sizeof(*shrunk));
	if (shrunk) {
		added->ranges = shrunk;
		added->size = added->count;
	}
	return 0;
}

int address_set_finish(struct address_set *set)
{
	return finish(&set->v4) == 0 && finish(&set->v6) == 0 ? 0 : -1;
}

size_t address_set_count(const struct address_set *set)
{
	return set->v4.added.count + set->v6.added.count;
}

bool address_set_has(const struct address_set *set, const struct address *address)
{
	const struct range_array *array =
		address->family == AF_INET ? &set->v4.added : &set->v6.added;
	struct wide number;
	size_t low = 0;
	size_t high = array->count;

	if (!high || !address_width(address))
		return false;
	number = number_of(address);
	/* The last range that begins at or before the address: no other can hold it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (wide_compare(array->ranges[middle].first, number) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && wide_compare(number, array->ranges[low - 1].last) <= 0;
}
