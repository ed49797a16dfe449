#include "daemon/lists/draft.h"

#include <stdlib.h>
#include <unistd.h>

void draft_begin(struct draft *draft, const char *directory)
{
	layout_begin(&draft->header);
	draft->directory = directory;
	for (unsigned i = 0; i < SECTION_COUNT; i++)
		spool_begin(&draft->sections[i]);
}

void draft_end(struct draft *draft)
{
	for (unsigned i = 0; i < SECTION_COUNT; i++)
		spool_end(&draft->sections[i]);
}

int draft_write(struct draft *draft, enum layout_section section, const void *bytes, size_t size)
{
	return spool_write(&draft->sections[section], draft->directory, bytes, size);
}

static int copy_narrow(const struct spool *members, struct spool *narrow, const char *directory)
{
	uint16_t classes[512];
	uint8_t bytes[512];
	uint64_t done = 0;

	while (done < members->size) {
		long count = spool_read(members, done, classes, sizeof classes);

		if (count < (long)sizeof *classes)
			return -1;
		count /= (long)sizeof *classes;
		for (long i = 0; i < count; i++)
			bytes[i] = (uint8_t)classes[i];
		if (spool_write(narrow, directory, bytes, (size_t)count))
			return -1;
		done += (uint64_t)count * sizeof *classes;
	}
	return 0;
}

int draft_narrow(struct draft *draft, enum layout_section section, size_t classes)
{
	struct spool *members = &draft->sections[section];
	struct spool narrow;

	if (classes > UINT8_MAX + 1)
		return 0;
	spool_begin(&narrow);
	if (classes > 2 && copy_narrow(members, &narrow, draft->directory)) {
		spool_end(&narrow);
		return -1;
	}
	spool_end(members);
	*members = narrow;
	return 0;
}

/* Reads a whole block, however the file system serves it: checksums are taken block by block. */
static long read_block(const struct spool *spool, uint64_t offset,
		       uint8_t block[static LAYOUT_BLOCK])
{
	long held = 0;

	while (held < LAYOUT_BLOCK) {
		long count = spool_read(spool, offset + (uint64_t)held, block + held,
					LAYOUT_BLOCK - (size_t)held);

		if (count < 0)
			return -1;
		if (!count)
			return held;
		held += count;
	}
	return held;
}

/* The checksum's pieces are those of layout_checksum(): full blocks, and the rest even when it is
 * empty. */
static int copy_section(const struct spool *spool, struct layout_place *place, int descriptor,
			uint8_t block[static LAYOUT_BLOCK])
{
	static const uint8_t no_seed[HASH_SEED];
	uint64_t done = 0;
	struct hash hash;
	long count;

	hash_begin(&hash, no_seed);
	do {
		count = read_block(spool, done, block);
		if (count < 0 || write_at(descriptor, block, (size_t)count, place->offset + done))
			return -1;
		hash_add(&hash, block, (size_t)count);
		spool_forget(spool, done, done + (uint64_t)count);
		done += (uint64_t)count;
	} while (done < spool->size);
	place->size = done;
	place->checksum = hash_value(&hash);
	return 0;
}

static uint64_t align(uint64_t offset)
{
	return (offset + LAYOUT_ALIGNMENT - 1) / LAYOUT_ALIGNMENT * LAYOUT_ALIGNMENT;
}

/* The header goes last: it holds the checksums. */
int draft_finish(struct draft *draft, int descriptor)
{
	struct layout_header *header = &draft->header;
	uint64_t offset = align(sizeof *header);
	uint8_t *block = malloc(LAYOUT_BLOCK);
	int result = block ? 0 : -1;

	for (unsigned i = 0; i < SECTION_COUNT && !result; i++) {
		header->sections[i].offset = offset;
		result = copy_section(&draft->sections[i], &header->sections[i], descriptor, block);
		offset = align(offset + header->sections[i].size);
	}
	free(block);
	header->size = offset;
	header->checksum = layout_header_checksum(header);
	if (result || write_at(descriptor, header, sizeof *header, 0))
		return -1;
	return ftruncate(descriptor, (off_t)offset);
}
