#include "daemon/lists/suffix_writer.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/suffixes.h"

enum {
	ORIGINS_MAX = LISTS_MAX * 2 * (NAME_TREE + 1), /* list, allow or not, kind */
	HEAD = 12,				       /* hash 8, class 2, origins 2 */
	HASHED_MAX = HEAD + ORIGINS_MAX * LAYOUT_ORIGIN + NAME_SIZE,
};

struct origin {
	uint16_t list;
	uint8_t mark;
	uint32_t line;
};

/* A parent of the name the walk stands at, with all that reaches down from it and its own parents.
 */
struct ancestor {
	size_t length; /* of its key */
	struct list_set add, allow;
};

struct suffix_writer {
	struct draft *draft;
	struct layout_list *lists;
	struct class_table classes;
	struct sorter *by_hash;
	char key[NAME_SIZE];	  /* where the walk stands; "": before the first */
	char last_key[NAME_SIZE]; /* the name before: the ancestors are parents of it, or itself */
	struct origin origins[ORIGINS_MAX];
	size_t origin_count;
	struct ancestor ancestors[LAYOUT_LABELS_MAX + 1]; /* the first is the root, above all */
	size_t depth;					  /* of ancestors in use */
	uint32_t count;
	uint32_t buckets, begun; /* all, and those whose begin is written */
	unsigned held;		 /* names in the bucket begun last */
	uint8_t buffer[HASHED_MAX];
};

_Static_assert((int)HASHED_MAX <= (int)SORTER_RECORD_MAX, "every name fits the sorter");

struct suffix_writer *suffix_writer_new(struct draft *draft, struct layout_list *lists)
{
	struct suffix_writer *writer = calloc(1, sizeof *writer);

	if (!writer)
		return NULL;
	writer->draft = draft;
	writer->lists = lists;
	writer->depth = 1;
	class_table_begin(&writer->classes, sizeof(struct layout_reach));
	writer->by_hash = sorter_new(draft->directory);
	if (writer->by_hash)
		return writer;
	suffix_writer_free(writer);
	return NULL;
}

void suffix_writer_free(struct suffix_writer *writer)
{
	if (!writer)
		return;
	class_table_end(&writer->classes);
	sorter_free(writer->by_hash);
	free(writer);
}

static bool reaches_self(uint8_t mark)
{
	return (mark & (LAYOUT_ALLOW - 1)) != NAME_SUBDOMAINS;
}

static bool reaches_below(uint8_t mark)
{
	return (mark & (LAYOUT_ALLOW - 1)) != NAME_EXACT;
}

static size_t common_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] && a[length] == b[length])
		length++;
	return length;
}

static const struct ancestor *nearest_ancestor(struct suffix_writer *writer)
{
	size_t common = common_length(writer->last_key, writer->key);

	for (; writer->depth > 1; writer->depth--) {
		size_t length = writer->ancestors[writer->depth - 1].length;

		if (length <= common && writer->key[length] == NAME_KEY_DOT)
			break;
	}
	return &writer->ancestors[writer->depth - 1];
}

/* What the entries at this very name ask for. */
static void gather(const struct suffix_writer *writer, struct layout_reach *reach)
{
	memset(reach, 0, sizeof *reach);
	for (size_t i = 0; i < writer->origin_count; i++) {
		const struct origin *origin = &writer->origins[i];
		bool allow = origin->mark & LAYOUT_ALLOW;

		if (reaches_self(origin->mark))
			list_set_add(allow ? &reach->self_allow : &reach->self, origin->list);
		if (reaches_below(origin->mark))
			list_set_add(allow ? &reach->below_allow : &reach->below, origin->list);
	}
}

/* An exception is kept only where a parent adds what it takes away. */
static void reduce_half(struct list_set *add, struct list_set *allow,
			const struct ancestor *ancestor)
{
	list_set_subtract(add, &ancestor->allow);
	list_set_subtract(add, allow);
	list_set_subtract(add, &ancestor->add);
	list_set_intersect(allow, &ancestor->add);
	list_set_subtract(allow, &ancestor->allow);
}

static bool is_kept(const struct origin *origin, const struct layout_reach *reach)
{
	bool allow = origin->mark & LAYOUT_ALLOW;

	return (reaches_self(origin->mark) &&
		list_set_has(allow ? &reach->self_allow : &reach->self, origin->list)) ||
	       (reaches_below(origin->mark) &&
		list_set_has(allow ? &reach->below_allow : &reach->below, origin->list));
}

static uint16_t print_origins(struct suffix_writer *writer, const struct layout_reach *reach,
			      uint8_t *next)
{
	uint16_t count = 0;

	for (size_t i = 0; i < writer->origin_count; i++) {
		const struct origin *origin = &writer->origins[i];

		if (!is_kept(origin, reach))
			continue;
		memcpy(next, &origin->list, sizeof origin->list);
		next[2] = origin->mark;
		memcpy(next + 3, &origin->line, sizeof origin->line);
		next += LAYOUT_ORIGIN;
		count++;
		writer->lists[origin->list].names += !(origin->mark & LAYOUT_ALLOW);
	}
	return count;
}

static void set_depth(uint64_t depths[static 2], unsigned labels)
{
	depths[labels / 64] |= UINT64_C(1) << labels % 64;
}

static void note_depth(struct draft *draft, const struct layout_reach *reach, unsigned labels)
{
	if (!list_set_is_empty(&reach->self) || !list_set_is_empty(&reach->self_allow))
		set_depth(draft->header.self_depths, labels);
	if (!list_set_is_empty(&reach->below) || !list_set_is_empty(&reach->below_allow))
		set_depth(draft->header.below_depths, labels);
}

static int emit(struct suffix_writer *writer, const struct layout_reach *reach)
{
	int class = class_table_number(&writer->classes, reach);
	char name[NAME_SIZE];
	uint64_t hash;
	uint16_t number = (uint16_t) class;
	uint16_t origins;
	unsigned labels;
	size_t length;

	if (class < 0)
		return -1;
	name_record_name(writer->key, name);
	hash = htobe64(suffixes_hash(writer->draft->header.seed, name, &labels));
	note_depth(writer->draft, reach, labels);
	origins = print_origins(writer, reach, writer->buffer + HEAD);
	memcpy(writer->buffer, &hash, sizeof hash);
	memcpy(writer->buffer + 8, &number, sizeof number);
	memcpy(writer->buffer + 10, &origins, sizeof origins);
	length = HEAD + (size_t)origins * LAYOUT_ORIGIN;
	memcpy(writer->buffer + length, name, strlen(name));
	if (++writer->count < UINT32_MAX / 2)
		return sorter_add(writer->by_hash, writer->buffer, length + strlen(name));
	errno = EFBIG;
	return -1;
}

static void push_ancestor(struct suffix_writer *writer, const struct ancestor *parent,
			  const struct layout_reach *reach, const struct list_set *allow)
{
	struct ancestor *ancestor = &writer->ancestors[writer->depth];

	if (list_set_is_empty(&reach->below) && list_set_is_empty(allow))
		return;
	*ancestor = *parent;
	ancestor->length = strlen(writer->key);
	list_set_join(&ancestor->add, &reach->below);
	list_set_join(&ancestor->allow, allow);
	writer->depth++;
}

static bool is_empty(const struct layout_reach *reach)
{
	return list_set_is_empty(&reach->self) && list_set_is_empty(&reach->below) &&
	       list_set_is_empty(&reach->self_allow) && list_set_is_empty(&reach->below_allow);
}

/* All entries of one name are together. */
static int finish_name(struct suffix_writer *writer)
{
	const struct ancestor *ancestor;
	struct layout_reach reach;
	struct list_set allow;

	if (!writer->key[0])
		return 0;
	ancestor = nearest_ancestor(writer);
	gather(writer, &reach);
	allow = reach.below_allow;
	reduce_half(&reach.self, &reach.self_allow, ancestor);
	reduce_half(&reach.below, &reach.below_allow, ancestor);
	push_ancestor(writer, ancestor, &reach, &allow);
	memcpy(writer->last_key, writer->key, sizeof writer->last_key);
	return is_empty(&reach) ? 0 : emit(writer, &reach);
}

/* Class 1 must be the first that a name is of: where it is the only one, members say nothing. */
static int reserve_class_0(struct suffix_writer *writer)
{
	static const struct layout_reach nothing;

	return class_table_number(&writer->classes, &nothing);
}

int suffix_writer_add(struct suffix_writer *writer, const struct name_record *record)
{
	const struct origin *last;

	if (!writer->classes.count && reserve_class_0(writer))
		return -1;
	if (strcmp(record->key, writer->key) != 0) {
		if (finish_name(writer))
			return -1;
		memcpy(writer->key, record->key, sizeof writer->key);
		writer->origin_count = 0;
	}
	last = writer->origin_count ? &writer->origins[writer->origin_count - 1] : NULL;
	if (last && last->list == record->list && last->mark == record->mark)
		return 0;
	if (record->list >= LISTS_MAX || writer->origin_count == ORIGINS_MAX) {
		errno = EINVAL;
		return -1;
	}
	writer->origins[writer->origin_count++] = (struct origin){
		(uint16_t)record->list,
		record->mark,
		record->line,
	};
	return 0;
}

/* The text of a record, and its origins in another section, which only explanations read. */
static int write_text(struct suffix_writer *writer, const uint8_t *record, size_t length)
{
	uint16_t origins;
	size_t head;
	uint8_t text;

	memcpy(&origins, record + 10, sizeof origins);
	head = HEAD + (size_t)origins * LAYOUT_ORIGIN;
	text = (uint8_t)(length - head);
	if (draft_write(writer->draft, SECTION_NAME_TEXT, &text, sizeof text) ||
	    draft_write(writer->draft, SECTION_NAME_TEXT, record + head, text))
		return -1;
	return draft_write(writer->draft, SECTION_NAME_ORIGINS, record + 10, head - 10);
}

/* Where the next record of the section of bytes will begin. */
static int write_start(struct suffix_writer *writer, enum layout_section starts,
		       enum layout_section bytes)
{
	uint64_t offset = writer->draft->sections[bytes].size;
	uint32_t narrow = (uint32_t)offset;

	if (offset > UINT32_MAX - HASHED_MAX) {
		errno = EFBIG;
		return -1;
	}
	return draft_write(writer->draft, starts, &narrow, sizeof narrow);
}

/* Every bucket up to and with the named one that has not begun begins at number. */
static int begin_buckets(struct suffix_writer *writer, uint32_t bucket, uint32_t number)
{
	for (; writer->begun <= bucket; writer->begun++) {
		int64_t mean = layout_bucket_mean(writer->begun, writer->buckets, writer->count);
		int64_t shift = number - mean;
		int16_t narrow = (int16_t)shift;

		if (narrow != shift) {
			errno = EFBIG; /* tens of millions of names */
			return -1;
		}
		if (draft_write(writer->draft, SECTION_BUCKETS, &narrow, sizeof narrow) ||
		    write_start(writer, SECTION_TEXT_STARTS, SECTION_NAME_TEXT) ||
		    write_start(writer, SECTION_ORIGIN_STARTS, SECTION_NAME_ORIGINS))
			return -1;
		writer->held = 0;
	}
	return 0;
}

/* A bucket longer than what look-ups read comes once in many ages, and another seed mends it. */
static int write_name(struct suffix_writer *writer, uint32_t number, const uint8_t *record,
		      size_t length)
{
	struct layout_slot slot;
	uint64_t hash;

	memcpy(&hash, record, sizeof hash);
	slot = layout_slot(be64toh(hash), writer->buckets);
	if (begin_buckets(writer, slot.bucket, number))
		return -1;
	if (++writer->held > LAYOUT_BUCKET_MAX) {
		errno = EAGAIN;
		return -1;
	}
	if (draft_write(writer->draft, SECTION_TAGS, &slot.tag, sizeof slot.tag) ||
	    draft_write(writer->draft, SECTION_REMAINDERS, &slot.remainder,
			sizeof slot.remainder) ||
	    draft_write(writer->draft, SECTION_NAME_MEMBERS, record + 8, sizeof(uint16_t)))
		return -1;
	return write_text(writer, record, length);
}

static int write_names(struct suffix_writer *writer)
{
	uint32_t number = 0;
	const uint8_t *record;
	size_t length;
	int more;

	writer->buckets = writer->count / LAYOUT_BUCKET_MEAN + 1;
	while ((more = sorter_next(writer->by_hash, &record, &length)) > 0)
		if (write_name(writer, number++, record, length))
			return -1;
	return more < 0 ? -1 : begin_buckets(writer, writer->buckets, number);
}

int suffix_writer_finish(struct suffix_writer *writer)
{
	if (finish_name(writer) || sorter_finish(writer->by_hash))
		return -1;
	if (!writer->count)
		return 0;
	if (draft_write(writer->draft, SECTION_NAME_CLASSES, writer->classes.records,
			writer->classes.count * writer->classes.size))
		return -1;
	if (write_names(writer))
		return -1;
	return draft_narrow(writer->draft, SECTION_NAME_MEMBERS, writer->classes.count);
}
