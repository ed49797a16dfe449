#include "daemon/lists/ranges.h"

#include <endian.h>
#include <string.h>
#include <sys/param.h>

enum { SLASH16 = 65536 };

static bool index_fits(const struct section *index, const struct section *ranges)
{
	return index->count == LAYOUT_INDEX || (!index->count && !ranges->count);
}

bool ranges_begin(struct ranges *ranges, const struct section sections[static SECTION_COUNT])
{
	ranges->classes = sections[SECTION_RANGE_CLASSES].bytes;
	ranges->class_count = (uint32_t)sections[SECTION_RANGE_CLASSES].count;
	ranges->index4 = sections[SECTION_INDEX4].bytes;
	ranges->ranges4 = sections[SECTION_RANGES4].bytes;
	ranges->count4 = (uint32_t)sections[SECTION_RANGES4].count;
	ranges->index6 = sections[SECTION_INDEX6].bytes;
	ranges->ranges6 = sections[SECTION_RANGES6].bytes;
	ranges->count6 = (uint32_t)sections[SECTION_RANGES6].count;
	ranges->spill6 = sections[SECTION_SPILL6].bytes;
	ranges->spill_count6 = (uint32_t)sections[SECTION_SPILL6].count;
	ranges->origins4 = sections[SECTION_ORIGINS4].bytes;
	ranges->origin_count4 = (uint32_t)sections[SECTION_ORIGINS4].count;
	ranges->origins6 = sections[SECTION_ORIGINS6].bytes;
	ranges->origin_count6 = (uint32_t)sections[SECTION_ORIGINS6].count;
	return index_fits(&sections[SECTION_INDEX4], &sections[SECTION_RANGES4]) &&
	       index_fits(&sections[SECTION_INDEX6], &sections[SECTION_RANGES6]) &&
	       members_begin(&ranges->members4, &sections[SECTION_MEMBERS4], ranges->count4) &&
	       members_begin(&ranges->members6, &sections[SECTION_MEMBERS6], ranges->count6) &&
	       members_begin(&ranges->spill_members6, &sections[SECTION_SPILL_MEMBERS6],
			     ranges->spill_count6);
}

/* A number that no class has gives NULL: a damaged file says so. */
static const struct list_set *class_of(const struct ranges *ranges, const struct members *members,
				       uint32_t number)
{
	unsigned class = members_class(members, number);

	return class < ranges->class_count ? &ranges->classes[class] : NULL;
}

static const struct list_set *find4(const struct ranges *ranges, uint32_t address)
{
	uint32_t low = address & 0xffff;
	uint32_t begin, end, count, half;

	if (!ranges->count4)
		return NULL;
	begin = ranges->index4[address >> 16];
	end = ranges->index4[(address >> 16) + 1];
	if (begin >= end || end > ranges->count4)
		return NULL;
	count = MIN(end - begin, SLASH16);
	for (; count > 1; count -= half) {
		half = count / 2;
		begin += (ranges->ranges4[begin + half] & 0xffff) <= low ? half : 0;
	}
	if ((ranges->ranges4[begin] & 0xffff) > low || ranges->ranges4[begin] >> 16 < low)
		return NULL;
	return class_of(ranges, &ranges->members4, begin);
}

/* A range may begin in an earlier /16 than the address lies in: the record before the bucket
 * counts. */
static const struct list_set *find_whole6(const struct ranges *ranges, uint64_t upper)
{
	uint32_t begin, end, half;

	if (!ranges->count6)
		return NULL;
	begin = ranges->index6[upper >> 48];
	end = ranges->index6[(upper >> 48) + 1];
	if (begin > end || end > ranges->count6)
		return NULL;
	begin -= begin ? 1 : 0;
	for (uint32_t count = end - begin; count > 1; count -= half) {
		half = count / 2;
		begin += ranges->ranges6[begin + half].first <= upper ? half : 0;
	}
	if (begin >= ranges->count6 || ranges->ranges6[begin].first > upper ||
	    ranges->ranges6[begin].last < upper)
		return NULL;
	return class_of(ranges, &ranges->members6, begin);
}

static bool begins_before(const struct layout_spill6 *spill, uint64_t upper, uint64_t lower)
{
	return spill->upper < upper || (spill->upper == upper && spill->first <= lower);
}

static const struct list_set *find_spill6(const struct ranges *ranges, uint64_t upper,
					  uint64_t lower)
{
	const struct layout_spill6 *spill = ranges->spill6;
	uint32_t half;

	if (!ranges->spill_count6)
		return NULL;
	for (uint32_t count = ranges->spill_count6; count > 1; count -= half) {
		half = count / 2;
		spill += begins_before(spill + half, upper, lower) ? half : 0;
	}
	if (spill->upper != upper || spill->first > lower || spill->last < lower)
		return NULL;
	return class_of(ranges, &ranges->spill_members6, (uint32_t)(spill - ranges->spill6));
}

static uint64_t half_of(const struct address *address, size_t offset)
{
	uint64_t half;

	memcpy(&half, address->bytes + offset, sizeof half);
	return be64toh(half);
}

const struct list_set *ranges_find(const struct ranges *ranges, const struct address *address)
{
	const struct list_set *set;
	uint64_t upper;

	if (address->family == AF_INET)
		return find4(ranges, ntohl(address->v4.s_addr));
	if (address->family != AF_INET6)
		return NULL;
	upper = half_of(address, 0);
	set = find_whole6(ranges, upper);
	return set ? set : find_spill6(ranges, upper, half_of(address, 8));
}

static struct address address4(uint32_t bits)
{
	return (struct address){ .family = AF_INET, .v4.s_addr = htonl(bits) };
}

static struct address address6(const uint64_t halves[static 2])
{
	struct address address = { .family = AF_INET6 };
	uint64_t swapped[2] = { htobe64(halves[0]), htobe64(halves[1]) };

	memcpy(address.bytes, swapped, sizeof swapped);
	return address;
}

static void visit4(const struct layout_origin4 *origin, origin_visit *visit, void *context)
{
	struct list_entry entry = {
		.kind = ENTRY_RANGE,
		.allow = origin->allow,
		.line = origin->line,
		.first = address4(origin->first),
		.last = address4(origin->last),
	};

	visit(context, origin->list, &entry);
}

static void visit6(const struct layout_origin6 *origin, origin_visit *visit, void *context)
{
	struct list_entry entry = {
		.kind = ENTRY_RANGE,
		.allow = origin->allow,
		.line = origin->line,
		.first = address6(origin->first),
		.last = address6(origin->last),
	};

	visit(context, origin->list, &entry);
}

/* Backwards from the last entry that begins at or before the address, as far as one may reach it.
 */
static void search4(const struct ranges *ranges, uint32_t address, origin_visit *visit,
		    void *context)
{
	uint32_t begin = 0;
	uint32_t half;

	for (uint32_t count = ranges->origin_count4; count; count -= half) {
		half = (count + 1) / 2;
		if (ranges->origins4[begin + half - 1].first <= address)
			begin += half;
	}
	for (; begin && ranges->origins4[begin - 1].furthest >= address; begin--) {
		const struct layout_origin4 *origin = &ranges->origins4[begin - 1];

		if (origin->first > address || origin->last < address)
			continue;
		visit4(origin, visit, context);
	}
}

static int compare(const uint64_t a[static 2], const uint64_t b[static 2])
{
	if (a[0] != b[0])
		return a[0] < b[0] ? -1 : 1;
	return (a[1] > b[1]) - (a[1] < b[1]);
}

static void search6(const struct ranges *ranges, const uint64_t address[static 2],
		    origin_visit *visit, void *context)
{
	uint32_t begin = 0;
	uint32_t half;

	for (uint32_t count = ranges->origin_count6; count; count -= half) {
		half = (count + 1) / 2;
		if (compare(ranges->origins6[begin + half - 1].first, address) <= 0)
			begin += half;
	}
	for (; begin && compare(ranges->origins6[begin - 1].furthest, address) >= 0; begin--) {
		const struct layout_origin6 *origin = &ranges->origins6[begin - 1];

		if (compare(origin->first, address) > 0 || compare(origin->last, address) < 0)
			continue;
		visit6(origin, visit, context);
	}
}

void ranges_search(const struct ranges *ranges, const struct address *address, origin_visit *visit,
		   void *context)
{
	uint64_t halves[2];

	if (address->family == AF_INET) {
		search4(ranges, ntohl(address->v4.s_addr), visit, context);
	} else if (address->family == AF_INET6) {
		halves[0] = half_of(address, 0);
		halves[1] = half_of(address, 8);
		search6(ranges, halves, visit, context);
	}
}

void ranges_each(const struct ranges *ranges, origin_visit *visit, void *context)
{
	for (uint32_t i = 0; i < ranges->origin_count4; i++)
		visit4(&ranges->origins4[i], visit, context);
	for (uint32_t i = 0; i < ranges->origin_count6; i++)
		visit6(&ranges->origins6[i], visit, context);
}
