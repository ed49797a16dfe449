#include "daemon/lists/range_writer.h"

#include <errno.h>
#include <string.h>

enum { COUNT4, COUNT6, COUNT_SPILL6 };

void range_writer_begin(struct range_writer *writer, struct draft *draft, struct layout_list *lists)
{
	memset(writer, 0, sizeof *writer);
	writer->draft = draft;
	writer->lists = lists;
	class_table_begin(&writer->classes, sizeof(struct list_set));
}

void range_writer_end(struct range_writer *writer)
{
	class_table_end(&writer->classes);
}

/* One record of a section and its class in the section behind. */
static int write_record(struct range_writer *writer, enum layout_section section,
			const void *record, unsigned which)
{
	uint16_t class = (uint16_t)writer->pending_class;

	if (++writer->counts[which] == UINT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	if (draft_write(writer->draft, section, record, layout_record_size(section)))
		return -1;
	return draft_write(writer->draft, section + 1, &class, sizeof class);
}

/* Says for every first half up to top, and for top itself, that its records begin here. */
static int write_index(struct range_writer *writer, uint64_t top)
{
	enum layout_section section = writer->ipv6 ? SECTION_INDEX6 : SECTION_INDEX4;
	uint32_t count = writer->counts[writer->ipv6 ? COUNT6 : COUNT4];

	for (; writer->index <= top; writer->index++)
		if (draft_write(writer->draft, section, &count, sizeof count))
			return -1;
	return 0;
}

static int write4(struct range_writer *writer, uint32_t first, uint32_t last)
{
	for (uint32_t top = first >> 16; top <= last >> 16; top++) {
		uint32_t low = top == first >> 16 ? first & 0xffff : 0;
		uint32_t high = top == last >> 16 ? last & 0xffff : 0xffff;
		uint32_t record = high << 16 | low;

		if (write_index(writer, top) ||
		    write_record(writer, SECTION_RANGES4, &record, COUNT4))
			return -1;
	}
	return 0;
}

static int write_spill(struct range_writer *writer, uint64_t upper, uint64_t first, uint64_t last)
{
	struct layout_spill6 record = { upper, first, last };

	return write_record(writer, SECTION_SPILL6, &record, COUNT_SPILL6);
}

/* At most three parts: a piece of the first /64, whole ones, a piece of the last. */
static int write6(struct range_writer *writer, struct wide first, struct wide last)
{
	struct layout_range6 whole = { first.upper, last.upper };
	bool head = first.lower != 0;
	bool tail = last.lower != UINT64_MAX;

	if (first.upper == last.upper && (head || tail))
		return write_spill(writer, first.upper, first.lower, last.lower);
	if (head && write_spill(writer, first.upper, first.lower, UINT64_MAX))
		return -1;
	whole.first += head;
	whole.last -= tail;
	/* Not when a head and a tail are neighbours: then nothing whole is between them. */
	if (last.upper - first.upper >= (uint64_t)head + tail &&
	    (write_index(writer, whole.first >> 48) ||
	     write_record(writer, SECTION_RANGES6, &whole, COUNT6)))
		return -1;
	return tail ? write_spill(writer, last.upper, 0, last.lower) : 0;
}

static int write_pending(struct range_writer *writer)
{
	int result = 0;

	if (!writer->pending_class)
		return 0;
	if (writer->ipv6)
		result = write6(writer, writer->pending_first, writer->pending_last);
	else
		result = write4(writer, (uint32_t)writer->pending_first.lower,
				(uint32_t)writer->pending_last.lower);
	writer->pending_class = 0;
	return result;
}

static void active_set(const struct range_writer *writer, struct list_set *set)
{
	struct list_set allow = { { 0 } };

	memset(set, 0, sizeof *set);
	for (unsigned i = 0; i < writer->active_count; i++)
		list_set_add(writer->active[i].allow ? &allow : set, writer->active[i].list);
	list_set_subtract(set, &allow);
}

/* From where the walk stands to last the active lists are the same ones. */
static int emit(struct range_writer *writer, struct wide last)
{
	struct list_set set;
	int class;

	active_set(writer, &set);
	if (list_set_is_empty(&set))
		return 0;
	class = class_table_number(&writer->classes, &set);
	if (class < 0)
		return -1;
	if (writer->pending_class == (unsigned)class &&
	    !wide_compare(wide_next(writer->pending_last), writer->at)) {
		writer->pending_last = last;
		return 0;
	}
	if (write_pending(writer))
		return -1;
	writer->pending_class = (unsigned)class;
	writer->pending_first = writer->at;
	writer->pending_last = last;
	return 0;
}

static struct wide earliest(const struct range_writer *writer)
{
	struct wide last = writer->active[0].last;

	for (unsigned i = 1; i < writer->active_count; i++)
		if (wide_compare(writer->active[i].last, last) < 0)
			last = writer->active[i].last;
	return last;
}

static void drop_ended(struct range_writer *writer, struct wide last)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < writer->active_count; i++)
		if (wide_compare(writer->active[i].last, last))
			writer->active[kept++] = writer->active[i];
	writer->active_count = kept;
}

/* Walks over one end of an active entry. */
static int step(struct range_writer *writer)
{
	struct wide last = earliest(writer);

	if (emit(writer, last))
		return -1;
	drop_ended(writer, last);
	writer->at = wide_next(last);
	return 0;
}

static int walk_to(struct range_writer *writer, struct wide stop)
{
	while (writer->active_count && wide_compare(earliest(writer), stop) < 0)
		if (step(writer))
			return -1;
	if (writer->active_count && wide_compare(writer->at, stop) < 0 &&
	    emit(writer, wide_previous(stop)))
		return -1;
	writer->at = stop;
	return 0;
}

static int finish_family(struct range_writer *writer)
{
	while (writer->active_count)
		if (step(writer))
			return -1;
	if (write_pending(writer))
		return -1;
	return writer->counts[writer->ipv6 ? COUNT6 : COUNT4]
		       ? write_index(writer, LAYOUT_INDEX - 1)
		       : 0;
}

static int write_origin(struct range_writer *writer, const struct range_record *record)
{
	struct layout_origin4 origin4 = {
		.first = (uint32_t)record->first.lower,
		.last = (uint32_t)record->last.lower,
		.furthest = (uint32_t)writer->furthest.lower,
		.line = record->line,
		.list = (uint16_t)record->list,
		.allow = record->allow,
	};
	struct layout_origin6 origin6 = {
		.first = { record->first.upper, record->first.lower },
		.last = { record->last.upper, record->last.lower },
		.furthest = { writer->furthest.upper, writer->furthest.lower },
		.line = record->line,
		.list = (uint16_t)record->list,
		.allow = record->allow,
	};

	if (record->ipv6)
		return draft_write(writer->draft, SECTION_ORIGINS6, &origin6, sizeof origin6);
	return draft_write(writer->draft, SECTION_ORIGINS4, &origin4, sizeof origin4);
}

/* False when an earlier entry of the same list reaches as far. */
static bool extend(struct range_writer *writer, const struct range_record *record)
{
	struct active_range *active = writer->active;
	struct active_range *end = active + writer->active_count;

	while (active < end && (active->list != record->list || active->allow != record->allow))
		active++;
	if (active < end && wide_compare(record->last, active->last) <= 0)
		return false;
	writer->active_count += active == end;
	active->list = (uint16_t)record->list;
	active->allow = record->allow;
	active->last = record->last;
	return true;
}

static int change_family(struct range_writer *writer)
{
	if (finish_family(writer))
		return -1;
	writer->ipv6 = true;
	writer->index = 0;
	writer->at = writer->furthest = (struct wide){ 0, 0 };
	return 0;
}

/* The empty set is class 0, so that a number of 0 can mean "nothing". */
static int reserve_empty_class(struct range_writer *writer)
{
	static const struct list_set empty;

	return class_table_number(&writer->classes, &empty);
}

int range_writer_add(struct range_writer *writer, const struct range_record *record)
{
	if (!writer->classes.count && reserve_empty_class(writer))
		return -1;
	if (record->ipv6 && !writer->ipv6 && change_family(writer))
		return -1;
	if (walk_to(writer, record->first))
		return -1;
	if (!extend(writer, record))
		return 0;
	if (wide_compare(record->last, writer->furthest) > 0)
		writer->furthest = record->last;
	writer->lists[record->list].addresses += !record->allow;
	return write_origin(writer, record);
}

int range_writer_finish(struct range_writer *writer)
{
	struct draft *draft = writer->draft;
	size_t classes;

	if (finish_family(writer))
		return -1;
	classes = writer->classes.count;
	if (draft_narrow(draft, SECTION_MEMBERS4, classes) ||
	    draft_narrow(draft, SECTION_MEMBERS6, classes) ||
	    draft_narrow(draft, SECTION_SPILL_MEMBERS6, classes))
		return -1;
	return draft_write(draft, SECTION_RANGE_CLASSES, writer->classes.records,
			   classes * writer->classes.size);
}
