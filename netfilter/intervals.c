#include "netfilter/intervals.h"

enum { SLASH16 = 65536 };

void interval_walk_begin(struct interval_walk *walk, const struct ranges *ranges,
			 const uint8_t *of_class, enum interval_sequence sequence)
{
	*walk = (struct interval_walk){ .ranges = ranges, .of_class = of_class,
					.sequence = sequence };
}

static unsigned signature_of(const struct interval_walk *walk, const struct members *members)
{
	unsigned class = members_class(members, walk->record);

	return class < walk->ranges->class_count ? walk->of_class[class] : 0;
}

static bool read4(struct interval_walk *walk, struct interval *interval)
{
	const struct ranges *ranges = walk->ranges;
	uint32_t word;

	if (walk->record >= ranges->count4)
		return false;
	while (walk->bucket < SLASH16 - 1 && ranges->index4[walk->bucket + 1] <= walk->record)
		walk->bucket++;
	word = ranges->ranges4[walk->record];
	interval->first = (struct wide){ 0, (uint64_t)walk->bucket << 16 | (word & 0xffff) };
	interval->last = (struct wide){ 0, (uint64_t)walk->bucket << 16 | word >> 16 };
	interval->signature = signature_of(walk, &ranges->members4);
	return true;
}

static bool read6(struct interval_walk *walk, struct interval *interval)
{
	const struct ranges *ranges = walk->ranges;

	if (walk->record >= ranges->count6)
		return false;
	interval->first = (struct wide){ ranges->ranges6[walk->record].first, 0 };
	interval->last = (struct wide){ ranges->ranges6[walk->record].last, UINT64_MAX };
	interval->signature = signature_of(walk, &ranges->members6);
	return true;
}

static bool read_spill6(struct interval_walk *walk, struct interval *interval)
{
	const struct layout_spill6 *spill = walk->ranges->spill6 + walk->record;

	if (walk->record >= walk->ranges->spill_count6)
		return false;
	interval->first = (struct wide){ spill->upper, spill->first };
	interval->last = (struct wide){ spill->upper, spill->last };
	interval->signature = signature_of(walk, &walk->ranges->spill_members6);
	return true;
}

/* The next record that counts. */
static bool read_record(struct interval_walk *walk, struct interval *interval)
{
	static bool (*const reads[])(struct interval_walk *, struct interval *) = {
		[INTERVALS4] = read4, [INTERVALS6] = read6, [INTERVALS_SPILL6] = read_spill6,
	};

	while (reads[walk->sequence](walk, interval)) {
		walk->record++;
		if (interval->signature && wide_compare(interval->first, interval->last) <= 0)
			return true;
	}
	return false;
}

bool interval_walk_next(struct interval_walk *walk, struct interval *interval)
{
	if (!walk->ahead && !read_record(walk, &walk->held))
		return false;
	*interval = walk->held;
	while ((walk->ahead = read_record(walk, &walk->held))) {
		if (walk->held.signature != interval->signature ||
		    wide_compare(walk->held.first, wide_next(interval->last)) != 0)
			break;
		interval->last = walk->held.last;
	}
	return true;
}
