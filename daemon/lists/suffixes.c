#include "daemon/lists/suffixes.h"

#include <string.h>

enum { BATCH = 8 }; /* more parents than most names have */

/* One parent of the name in question, or the name itself. */
struct probe {
	struct layout_slot slot;
	const char *suffix;
	size_t length;
};

/* From the last label to the first, as far as something listed could be met. */
struct walk {
	const char *name;
	const char *name_end;
	const char *end; /* of the next label */
	unsigned labels, depth, last;
	struct hash hash;
	unsigned count;
	struct probe probes[BATCH];
};

bool suffixes_begin(struct suffixes *suffixes, const struct layout_header *header,
		    const struct section sections[static SECTION_COUNT])
{
	size_t buckets = sections[SECTION_BUCKETS].count;
	size_t count = sections[SECTION_TAGS].count;

	memcpy(suffixes->seed, header->seed, sizeof suffixes->seed);
	memcpy(suffixes->self_depths, header->self_depths, sizeof suffixes->self_depths);
	memcpy(suffixes->below_depths, header->below_depths, sizeof suffixes->below_depths);
	suffixes->buckets = sections[SECTION_BUCKETS].bytes;
	suffixes->bucket_count = buckets ? (uint32_t)buckets - 1 : 0;
	suffixes->tags = sections[SECTION_TAGS].bytes;
	suffixes->count = (uint32_t)count;
	suffixes->remainders = sections[SECTION_REMAINDERS].bytes;
	suffixes->text_starts = sections[SECTION_TEXT_STARTS].bytes;
	suffixes->classes = sections[SECTION_NAME_CLASSES].bytes;
	suffixes->class_count = (uint32_t)sections[SECTION_NAME_CLASSES].count;
	suffixes->text = sections[SECTION_NAME_TEXT].bytes;
	suffixes->text_size = (uint32_t)sections[SECTION_NAME_TEXT].count;
	suffixes->origin_starts = sections[SECTION_ORIGIN_STARTS].bytes;
	suffixes->origins = sections[SECTION_NAME_ORIGINS].bytes;
	suffixes->origin_size = (uint32_t)sections[SECTION_NAME_ORIGINS].count;
	return (suffixes->bucket_count || !count) && sections[SECTION_REMAINDERS].count == count &&
	       sections[SECTION_TEXT_STARTS].count == buckets &&
	       sections[SECTION_ORIGIN_STARTS].count == buckets &&
	       members_begin(&suffixes->members, &sections[SECTION_NAME_MEMBERS], count);
}

static const char *label_before(const char *name, const char *end)
{
	while (end > name && end[-1] != '.')
		end--;
	return end;
}

uint64_t suffixes_hash(const uint8_t seed[static HASH_SEED], const char *name, unsigned *labels)
{
	const char *end = name + strlen(name);
	const char *label;
	struct hash hash;

	hash_begin(&hash, seed);
	for (*labels = 1;; ++*labels) {
		label = label_before(name, end);
		hash_add(&hash, label, (size_t)(end - label));
		if (label == name)
			return hash_value(&hash);
		end = label - 1;
	}
}

static bool has_depth(const uint64_t depths[static 2], unsigned labels)
{
	return depths[labels / 64] >> labels % 64 & 1;
}

/* How many labels from the right could make a listed name. */
static unsigned deepest(const struct suffixes *suffixes, unsigned labels)
{
	if (has_depth(suffixes->self_depths, labels))
		return labels;
	do {
		labels--;
	} while (labels && !has_depth(suffixes->below_depths, labels));
	return labels;
}

static unsigned count_labels(const char *name, size_t length)
{
	unsigned labels = 1;

	for (size_t i = 0; i < length; i++)
		labels += name[i] == '.';
	return labels;
}

static void walk_begin(struct walk *walk, const struct suffixes *suffixes, const char *name)
{
	size_t length = strlen(name);

	walk->name = name;
	walk->name_end = walk->end = name + length;
	walk->labels = count_labels(name, length);
	walk->depth = 0;
	walk->last = 0;
	if (walk->labels <= LAYOUT_LABELS_MAX && suffixes->count)
		walk->last = deepest(suffixes, walk->labels);
	hash_begin(&walk->hash, suffixes->seed);
}

/* The next few that could be listed; false when there is none. The wait for memory begins for all
 * of them before the first is looked at. */
static bool walk_next(struct walk *walk, const struct suffixes *suffixes)
{
	const char *name_end = walk->name_end;

	walk->count = 0;
	while (walk->depth < walk->last && walk->count < BATCH) {
		struct probe *probe = &walk->probes[walk->count];

		probe->suffix = label_before(walk->name, walk->end);
		probe->length = (size_t)(name_end - probe->suffix);
		hash_add(&walk->hash, probe->suffix, (size_t)(walk->end - probe->suffix));
		walk->end = probe->suffix - 1;
		walk->depth++;
		if (!has_depth(walk->depth == walk->labels ? suffixes->self_depths
							   : suffixes->below_depths,
			       walk->depth))
			continue;
		probe->slot = layout_slot(hash_value(&walk->hash), suffixes->bucket_count);
		__builtin_prefetch(&suffixes->buckets[probe->slot.bucket]);
		__builtin_prefetch(&suffixes->text_starts[probe->slot.bucket]);
		walk->count++;
	}
	return walk->count > 0;
}

/* False when the bucket is empty or damaged. */
static bool bucket_bounds(const struct suffixes *suffixes, uint32_t bucket, uint32_t *begin,
			  uint32_t *end)
{
	int64_t first = layout_bucket_mean(bucket, suffixes->bucket_count, suffixes->count);
	int64_t last = layout_bucket_mean(bucket + 1, suffixes->bucket_count, suffixes->count);

	first += suffixes->buckets[bucket];
	last += suffixes->buckets[bucket + 1];
	if (first < 0 || first >= last || last > suffixes->count)
		return false;
	*begin = (uint32_t)first;
	*end = (uint32_t)(last - first < LAYOUT_BUCKET_MAX ? last : first + LAYOUT_BUCKET_MAX);
	return true;
}

/* The text of a bucket's name, its length byte; NULL when it does not lie inside the file. */
static const uint8_t *text_of(const struct suffixes *suffixes, uint32_t bucket, unsigned index)
{
	uint64_t offset = suffixes->text_starts[bucket];

	while (index-- && offset < suffixes->text_size)
		offset += 1 + (uint64_t)suffixes->text[offset];
	if (offset >= suffixes->text_size ||
	    suffixes->text_size - offset - 1 < suffixes->text[offset])
		return NULL;
	return suffixes->text + offset;
}

/* A bucket's texts lie in two or three lines of the cache, which are asked for at once. */
static void expect_text(const struct suffixes *suffixes, uint32_t bucket)
{
	const uint8_t *text = suffixes->text + suffixes->text_starts[bucket];

	__builtin_prefetch(text);
	__builtin_prefetch(text + 64);
	__builtin_prefetch(text + 128);
}

static bool same_text(const struct suffixes *suffixes, uint32_t bucket, unsigned index,
		      const struct probe *probe)
{
	const uint8_t *text = text_of(suffixes, bucket, index);

	return text && text[0] == probe->length && !memcmp(text + 1, probe->suffix, probe->length);
}

/* A listed name: its number, and where it is in its bucket. */
struct hit {
	uint32_t number; /* the table's count when there is none */
	unsigned index;
};

static struct hit find_name(const struct suffixes *suffixes, const struct probe *probe)
{
	struct hit hit = { suffixes->count, 0 };
	const uint8_t *tag;
	uint32_t begin, next, end;

	if (!bucket_bounds(suffixes, probe->slot.bucket, &begin, &end))
		return hit;
	for (next = begin; (tag = memchr(suffixes->tags + next, probe->slot.tag, end - next));
	     next++) {
		next = (uint32_t)(tag - suffixes->tags);
		expect_text(suffixes, probe->slot.bucket);
		if (suffixes->remainders[next] == probe->slot.remainder &&
		    same_text(suffixes, probe->slot.bucket, next - begin, probe))
			return (struct hit){ next, next - begin };
	}
	return hit;
}

static const struct layout_reach *class_of(const struct suffixes *suffixes, uint32_t number)
{
	unsigned class = members_class(&suffixes->members, number);

	return class < suffixes->class_count ? &suffixes->classes[class] : NULL;
}

bool suffixes_find(const struct suffixes *suffixes, const char *name, struct list_set *set)
{
	struct list_set allow = { { 0 } };
	struct walk walk;

	memset(set, 0, sizeof *set);
	walk_begin(&walk, suffixes, name);
	while (walk_next(&walk, suffixes))
		for (unsigned i = 0; i < walk.count; i++) {
			uint32_t number = find_name(suffixes, &walk.probes[i]).number;
			bool self = walk.probes[i].suffix == name;
			const struct layout_reach *reach;

			reach = number < suffixes->count ? class_of(suffixes, number) : NULL;
			if (!reach)
				continue;
			list_set_join(set, self ? &reach->self : &reach->below);
			list_set_join(&allow, self ? &reach->self_allow : &reach->below_allow);
		}
	list_set_subtract(set, &allow);
	return !list_set_is_empty(set);
}

/* Whether an entry for a name reaches the name itself, or what is below it. */
static bool reaches(enum name_pattern_kind pattern, bool self)
{
	return pattern != (self ? NAME_SUBDOMAINS : NAME_EXACT);
}

/* An origin: list 2, mark 1, line 4, in the machine's byte order and without padding. False when it
 * is none. */
static bool parse_origin(const uint8_t origin[static LAYOUT_ORIGIN], struct list_entry *entry,
			 unsigned *list)
{
	uint16_t number;
	uint32_t line;

	memcpy(&number, origin, sizeof number);
	memcpy(&line, origin + 3, sizeof line);
	*list = number;
	entry->line = line;
	entry->allow = origin[2] & LAYOUT_ALLOW;
	entry->pattern = origin[2] & (LAYOUT_ALLOW - 1);
	return entry->pattern <= NAME_TREE;
}

struct looking {
	origin_visit *visit;
	void *context;
	bool self, below; /* entries that reach the name itself, or what is below it */
};

static bool wants(const struct looking *looking, const struct list_entry *entry)
{
	return (looking->self && reaches(entry->pattern, true)) ||
	       (looking->below && reaches(entry->pattern, false));
}

/* Visits the origins of a name at the offset; the offset behind them. Those of a damaged file end
 * early. */
static uint64_t visit_origins(const struct suffixes *suffixes, uint64_t offset,
			      struct list_entry *entry, const struct looking *looking)
{
	uint16_t count = 0;
	unsigned list;

	if (offset + sizeof count <= suffixes->origin_size)
		memcpy(&count, suffixes->origins + offset, sizeof count);
	for (offset += sizeof count;
	     count && offset + LAYOUT_ORIGIN <= suffixes->origin_size && looking;
	     count--, offset += LAYOUT_ORIGIN)
		if (parse_origin(suffixes->origins + offset, entry, &list) && wants(looking, entry))
			looking->visit(looking->context, list, entry);
	return offset + (uint64_t)count * LAYOUT_ORIGIN;
}

static void name_entry(const uint8_t *text, struct list_entry *entry)
{
	memset(entry, 0, sizeof *entry);
	entry->kind = ENTRY_NAME;
	memcpy(entry->name, text + 1, text[0]);
}

static void visit_name(const struct suffixes *suffixes, uint32_t bucket, unsigned index,
		       const struct looking *looking)
{
	uint64_t offset = suffixes->origin_starts[bucket];
	struct list_entry entry;

	for (unsigned before = 0; before < index; before++)
		offset = visit_origins(suffixes, offset, &entry, NULL);
	name_entry(text_of(suffixes, bucket, index), &entry);
	visit_origins(suffixes, offset, &entry, looking);
}

void suffixes_search(const struct suffixes *suffixes, const char *name, origin_visit *visit,
		     void *context)
{
	struct looking looking = { .visit = visit, .context = context };
	struct walk walk;

	walk_begin(&walk, suffixes, name);
	while (walk_next(&walk, suffixes))
		for (unsigned i = 0; i < walk.count; i++) {
			struct hit hit = find_name(suffixes, &walk.probes[i]);

			looking.self = walk.probes[i].suffix == name;
			looking.below = !looking.self;
			if (hit.number < suffixes->count)
				visit_name(suffixes, walk.probes[i].slot.bucket, hit.index,
					   &looking);
		}
}

/* Texts and origins stand in the same order. */
void suffixes_each(const struct suffixes *suffixes, origin_visit *visit, void *context)
{
	const struct looking looking = { visit, context, true, true };
	uint64_t text = 0, origins = 0;

	for (uint32_t number = 0; number < suffixes->count; number++) {
		struct list_entry entry;

		if (text >= suffixes->text_size ||
		    suffixes->text_size - text - 1 < suffixes->text[text])
			return;
		name_entry(suffixes->text + text, &entry);
		text += 1 + (uint64_t)suffixes->text[text];
		origins = visit_origins(suffixes, origins, &entry, &looking);
	}
}
