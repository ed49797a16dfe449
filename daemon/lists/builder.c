#include "daemon/lists/builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/lists/draft.h"
#include "daemon/lists/range_writer.h"
#include "daemon/lists/sorter.h"
#include "daemon/lists/suffix_writer.h"

/* Records carry the number of a filling, one for each time that a list was begun or begun anew. */
enum { FILLINGS_MAX = 2 * LISTS_MAX, ABANDONED = UINT16_MAX };

struct list_builder {
	const char *directory;
	struct sorter *sorter;
	struct prefix *guards;
	size_t guard_count;
	unsigned list_count;
	unsigned filling_count;
	uint16_t lists_of[FILLINGS_MAX]; /* the list of each filling; ABANDONED */
	struct layout_list lists[LISTS_MAX];
	struct list_tally tallies[LISTS_MAX];
};

struct list_builder *list_builder_new(const char *directory)
{
	struct list_builder *builder = calloc(1, sizeof *builder);

	if (!builder)
		return NULL;
	builder->directory = directory;
	builder->sorter = sorter_new(directory);
	if (builder->sorter)
		return builder;
	free(builder);
	return NULL;
}

void list_builder_free(struct list_builder *builder)
{
	if (!builder)
		return;
	sorter_free(builder->sorter);
	free(builder->guards);
	free(builder);
}

int list_builder_guard(struct list_builder *builder, const struct prefix *prefix)
{
	struct prefix *guards =
		reallocarray(builder->guards, builder->guard_count + 1, sizeof *guards);

	if (!guards)
		return -1;
	guards[builder->guard_count++] = *prefix;
	builder->guards = guards;
	return 0;
}

void list_builder_unguard(struct list_builder *builder)
{
	free(builder->guards);
	builder->guards = NULL;
	builder->guard_count = 0;
}

static void begin_filling(struct list_builder *builder)
{
	builder->lists_of[builder->filling_count++] = (uint16_t)(builder->list_count - 1);
}

int list_builder_begin(struct list_builder *builder, const char *name)
{
	size_t length = strlen(name);

	if (builder->list_count == LISTS_MAX || length >= LAYOUT_LIST_NAME) {
		errno = builder->list_count == LISTS_MAX ? E2BIG : ENAMETOOLONG;
		return -1;
	}
	if (builder->filling_count == FILLINGS_MAX) {
		errno = E2BIG;
		return -1;
	}
	memcpy(builder->lists[builder->list_count++].name, name, length + 1);
	begin_filling(builder);
	return (int)builder->list_count - 1;
}

int list_builder_abandon(struct list_builder *builder)
{
	if (!builder->list_count || builder->filling_count == FILLINGS_MAX) {
		errno = EFBIG;
		return -1;
	}
	builder->lists_of[builder->filling_count - 1] = ABANDONED;
	builder->tallies[builder->list_count - 1] = (struct list_tally){ 0 };
	begin_filling(builder);
	return 0;
}

struct layout_list *list_builder_note(struct list_builder *builder)
{
	return builder->list_count ? &builder->lists[builder->list_count - 1] : NULL;
}

const struct list_tally *list_builder_tally(const struct list_builder *builder, int list)
{
	return &builder->tallies[list];
}

static bool is_zeros(const uint8_t *bytes, size_t length)
{
	while (length && !bytes[length - 1])
		length--;
	return !length;
}

static bool is_ones(const uint8_t *bytes, size_t length)
{
	while (length && bytes[length - 1] == 0xff)
		length--;
	return !length;
}

static bool is_everything(const struct list_entry *entry)
{
	size_t width = address_width(&entry->first);

	return is_zeros(entry->first.bytes, width) && is_ones(entry->last.bytes, width);
}

/* Ranges meet when one begins inside the other. */
static bool hits_guard(const struct list_builder *builder, const struct list_entry *entry)
{
	for (size_t i = 0; i < builder->guard_count; i++) {
		const struct prefix *guard = &builder->guards[i];

		if (prefix_contains(guard, &entry->first) ||
		    (guard->base.family == entry->first.family &&
		     address_compare(&entry->first, &guard->base) <= 0 &&
		     address_compare(&guard->base, &entry->last) <= 0))
			return true;
	}
	return false;
}

const struct layout_list *list_builder_notes(const struct list_builder *builder)
{
	return builder->lists;
}

/* The length of the record; 0 for an entry to refuse. */
static size_t print_range(const struct list_builder *builder, const struct list_entry *entry,
			  uint8_t bytes[static RANGE_RECORD_SIZE])
{
	struct range_record record;

	if (!range_record_from(&record, builder->filling_count - 1, entry))
		return 0;
	if (!entry->allow && (is_everything(entry) || hits_guard(builder, entry)))
		return 0;
	return range_record_print(&record, bytes);
}

static size_t print_name(const struct list_builder *builder, const struct list_entry *entry,
			 uint8_t bytes[static NAME_RECORD_SIZE])
{
	struct name_record record;

	if (!name_record_from(&record, builder->filling_count - 1, entry))
		return 0;
	return name_record_print(&record, bytes);
}

static void refuse(struct list_tally *tally, unsigned line)
{
	if (tally->refused < REFUSED_LINES)
		tally->refused_lines[tally->refused] = line;
	tally->refused++;
}

int list_builder_add(void *context, const struct list_entry *entry)
{
	struct list_builder *builder = context;
	uint8_t bytes[NAME_RECORD_SIZE];
	struct list_tally *tally;
	size_t length;

	if (!builder->list_count) {
		errno = EINVAL;
		return -1;
	}
	tally = &builder->tallies[builder->list_count - 1];
	length = entry->kind == ENTRY_RANGE ? print_range(builder, entry, bytes)
					    : print_name(builder, entry, bytes);
	if (!length) {
		refuse(tally, entry->line);
		return 0;
	}
	tally->entries++;
	return sorter_add(builder->sorter, bytes, length);
}

/* False when the filling was thrown away. Numbers of lists grow with those of fillings, so the
 * records stay in order. */
static bool take_list(const struct list_builder *builder, unsigned *number)
{
	*number = builder->lists_of[*number];
	return *number != ABANDONED;
}

/* The order of the records is: IPv4, IPv6, names. */
static int write_entries(struct list_builder *builder, struct range_writer *ranges,
			 struct suffix_writer *suffixes)
{
	struct range_record range;
	struct name_record name;
	const uint8_t *record;
	size_t length;
	int more;

	while ((more = sorter_next(builder->sorter, &record, &length)) > 0) {
		int result = -1;

		if (range_record_parse(&range, record, length))
			result = take_list(builder, &range.list) ? range_writer_add(ranges, &range)
								 : 0;
		else if (name_record_parse(&name, record, length))
			result = take_list(builder, &name.list) ? suffix_writer_add(suffixes, &name)
								: 0;
		else
			errno = EIO;
		if (result)
			return -1;
	}
	return more < 0 ? -1 : range_writer_finish(ranges);
}

static int write_lists(struct list_builder *builder, struct draft *draft)
{
	for (unsigned i = 0; i < builder->list_count; i++)
		builder->lists[i].refused = builder->tallies[i].refused;
	return draft_write(draft, SECTION_LISTS, builder->lists,
			   builder->list_count * sizeof *builder->lists);
}

static int fill_draft(struct list_builder *builder, struct draft *draft)
{
	struct suffix_writer *suffixes = suffix_writer_new(draft, builder->lists);
	struct range_writer ranges;
	int result = -1;

	if (!suffixes)
		return -1;
	range_writer_begin(&ranges, draft, builder->lists);
	if (!sorter_finish(builder->sorter) && !write_entries(builder, &ranges, suffixes) &&
	    !suffix_writer_finish(suffixes))
		result = write_lists(builder, draft);
	range_writer_end(&ranges);
	suffix_writer_free(suffixes);
	return result;
}

int list_builder_write(struct list_builder *builder, uint64_t guards, int descriptor)
{
	struct draft draft;
	int result = -1;

	draft_begin(&draft, builder->directory);
	draft.header.guards = guards;
	if (getrandom(draft.header.seed, sizeof draft.header.seed, 0) ==
		    (ssize_t)sizeof draft.header.seed &&
	    !fill_draft(builder, &draft))
		result = draft_finish(&draft, descriptor);
	draft_end(&draft);
	return result;
}
