// link: daemon/lists/compiled.c daemon/lists/layout.c daemon/lists/ranges.c daemon/lists/suffixes.c daemon/lists/members.c daemon/lists/hash.c daemon/lists/set.c daemon/address.c daemon/reader.c
/* The input is taken twice: as a file, which gets no further than the header, and as the parts of
 * one: a question of 16 bytes, seed and depths of the header, then each section as a vector with a
 * length of 16 bits. An index, too long for a fuzzer, is given by its steps: from which place (16
 * bits), which value (32 bits). */
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/compiled.h"
#include "daemon/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUESTION = 16, HEAD = HASH_SEED + 32, ROOM = SECTION_COUNT * (65536 + LAYOUT_ALIGNMENT) };

static void require(int condition)
{
	if (!condition)
		abort();
}

static void look(void *context, unsigned list, const struct list_entry *entry)
{
	(void)list;
	if (entry->kind == ENTRY_NAME)
		require(strlen(entry->name) < NAME_SIZE && entry->pattern <= NAME_TREE);
	else
		require(entry->first.family == entry->last.family);
	++*(size_t *)context;
}

static void ask_address(const struct compiled *compiled, sa_family_t family, const uint8_t *bytes)
{
	const struct ranges *ranges = &compiled->ranges;
	struct address address = { .family = family };
	const struct list_set *set;
	size_t visits = 0;

	memcpy(address.bytes, bytes, address_width(&address));
	set = ranges_find(ranges, &address);
	require(!set || (set >= ranges->classes && set < ranges->classes + ranges->class_count));
	ranges_search(ranges, &address, look, &visits);
	require(visits <= (size_t)ranges->origin_count4 + ranges->origin_count6);
}

static void ask_name(const struct compiled *compiled, const char *name)
{
	struct list_set set;
	size_t visits = 0;

	require(suffixes_find(&compiled->suffixes, name, &set) == !list_set_is_empty(&set));
	suffixes_search(&compiled->suffixes, name, look, &visits);
}

static void ask(const void *bytes, size_t size, const uint8_t *question)
{
	static const char *const names[] = { "example", "a.example", "b.a.example", "..", "" };
	char name[QUESTION + 1] = { 0 };
	struct compiled compiled;

	if (!compiled_parse(&compiled, bytes, size))
		return;
	ask_address(&compiled, AF_INET, question);
	ask_address(&compiled, AF_INET6, question);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ask_name(&compiled, names[i]);
	memcpy(name, question, QUESTION);
	ask_name(&compiled, name);
	compiled_list(&compiled, name);
	if (size < 65536) /* a fuzzer's time is better spent on look-ups */
		compiled_verify(&compiled);
}

static size_t fill_index(uint32_t *index, struct reader steps)
{
	unsigned place = 0;
	uint32_t value = 0;

	if (!reader_left(&steps))
		return 0;
	while (reader_left(&steps)) {
		unsigned next = reader_u16(&steps);

		for (; place < next; place++)
			index[place] = value;
		value = reader_u32(&steps);
	}
	for (; place < LAYOUT_INDEX; place++)
		index[place] = value;
	return LAYOUT_INDEX * sizeof *index;
}

static size_t fill_section(uint8_t *bytes, unsigned section, struct reader vector)
{
	struct span span;

	if (section == SECTION_INDEX4 || section == SECTION_INDEX6)
		return fill_index((uint32_t *)bytes, vector);
	span = reader_take(&vector, reader_left(&vector));
	if (span.length)
		memcpy(bytes, span.bytes, span.length);
	return span.length / layout_record_size(section) * layout_record_size(section);
}

static size_t align(size_t size)
{
	return (size + LAYOUT_ALIGNMENT - 1) / LAYOUT_ALIGNMENT * LAYOUT_ALIGNMENT;
}

/* The size of the file made in bytes. */
static size_t assemble(uint8_t *bytes, struct reader *input)
{
	struct layout_header *header = (struct layout_header *)bytes;
	struct span head = reader_take(input, HEAD);
	size_t size = align(sizeof *header);

	layout_begin(header);
	if (head.length)
		memcpy(header->seed, head.bytes, HEAD); /* the depths lie behind the seed */
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		struct layout_place *place = &header->sections[i];

		place->offset = size;
		place->size = fill_section(bytes + size, i, reader_vector16(input));
		size += align(place->size);
	}
	header->size = size;
	header->checksum = layout_header_checksum(header);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t room = ROOM + 2 * LAYOUT_INDEX * sizeof(uint32_t);
	struct span question;
	struct reader input;
	uint8_t *bytes, *exact;

	reader_begin(&input, data, size);
	question = reader_take(&input, QUESTION);
	bytes = malloc(room > size ? room : size);
	if (!bytes || question.length < QUESTION) {
		free(bytes);
		return 0;
	}
	memcpy(bytes, data, size);
	ask(bytes, size, question.bytes);
	size = assemble(bytes, &input);
	exact = realloc(bytes, size); /* a sanitizer sees the first byte read behind it */
	if (exact)
		ask(exact, size, question.bytes);
	free(exact ? exact : bytes);
	return 0;
}
