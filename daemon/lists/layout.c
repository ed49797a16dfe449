#include "daemon/lists/layout.h"

#include <string.h>

static const char magic[8] = "HGLISTS";
static const uint8_t no_seed[HASH_SEED];
static const uint32_t byte_order = 0x01020304;

void layout_begin(struct layout_header *header)
{
	memset(header, 0, sizeof *header);
	memcpy(header->magic, magic, sizeof magic);
	header->version = LAYOUT_VERSION;
	header->byte_order = byte_order;
}

size_t layout_record_size(enum layout_section section)
{
	static const size_t sizes[SECTION_COUNT] = {
		[SECTION_LISTS] = sizeof(struct layout_list),
		[SECTION_RANGE_CLASSES] = sizeof(struct list_set),
		[SECTION_INDEX4] = sizeof(uint32_t),
		[SECTION_RANGES4] = sizeof(uint32_t),
		[SECTION_MEMBERS4] = 1,
		[SECTION_INDEX6] = sizeof(uint32_t),
		[SECTION_RANGES6] = sizeof(struct layout_range6),
		[SECTION_MEMBERS6] = 1,
		[SECTION_SPILL6] = sizeof(struct layout_spill6),
		[SECTION_SPILL_MEMBERS6] = 1,
		[SECTION_BUCKETS] = sizeof(int16_t),
		[SECTION_TAGS] = 1,
		[SECTION_REMAINDERS] = sizeof(uint16_t),
		[SECTION_TEXT_STARTS] = sizeof(uint32_t),
		[SECTION_NAME_MEMBERS] = 1,
		[SECTION_NAME_CLASSES] = sizeof(struct layout_reach),
		[SECTION_NAME_TEXT] = 1,
		[SECTION_ORIGIN_STARTS] = sizeof(uint32_t),
		[SECTION_NAME_ORIGINS] = 1,
		[SECTION_ORIGINS4] = sizeof(struct layout_origin4),
		[SECTION_ORIGINS6] = sizeof(struct layout_origin6),
	};

	return sizes[section];
}

/* hash * buckets in steps of 32 bits: what is above 64 bits is the bucket. */
struct layout_slot layout_slot(uint64_t hash, uint32_t buckets)
{
	uint64_t upper = (hash >> 32) * buckets;
	uint64_t lower = (hash & UINT32_MAX) * buckets;
	uint64_t fraction = (upper << 32) + lower;

	return (struct layout_slot){
		.bucket = (uint32_t)((upper + (lower >> 32)) >> 32),
		.tag = (uint8_t)(fraction >> 56),
		.remainder = (uint16_t)(fraction >> 40),
	};
}

uint32_t layout_bucket_mean(uint32_t bucket, uint32_t buckets, uint32_t names)
{
	return (uint32_t)((uint64_t)bucket * names / buckets);
}

uint64_t layout_header_checksum(const struct layout_header *header)
{
	return layout_checksum(header, offsetof(struct layout_header, checksum));
}

uint64_t layout_checksum(const void *bytes, size_t size)
{
	const uint8_t *next = bytes;
	struct hash hash;

	hash_begin(&hash, no_seed);
	for (; size > LAYOUT_BLOCK; size -= LAYOUT_BLOCK, next += LAYOUT_BLOCK)
		hash_add(&hash, next, LAYOUT_BLOCK);
	hash_add(&hash, next, size);
	return hash_value(&hash);
}

static bool is_ours(const struct layout_header *header, size_t size)
{
	return !memcmp(header->magic, magic, sizeof magic) && header->version == LAYOUT_VERSION &&
	       header->byte_order == byte_order && header->size == size &&
	       header->checksum == layout_header_checksum(header);
}

static bool place_fits(const struct layout_place *place, size_t record, size_t size)
{
	return place->offset >= sizeof(struct layout_header) && place->offset <= size &&
	       place->size <= size - place->offset && !(place->offset % LAYOUT_ALIGNMENT) &&
	       !(place->size % record) && place->size / record <= UINT32_MAX;
}

bool layout_parse(const void *bytes, size_t size, struct section sections[static SECTION_COUNT])
{
	const struct layout_header *header = bytes;

	if (size < sizeof *header || !is_ours(header, size))
		return false;
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		const struct layout_place *place = &header->sections[i];
		size_t record = layout_record_size(i);

		if (!place_fits(place, record, size))
			return false;
		sections[i].bytes = (const uint8_t *)bytes + place->offset;
		sections[i].count = place->size / record;
	}
	return true;
}

bool layout_verify(const void *bytes)
{
	const struct layout_header *header = bytes;

	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		const struct layout_place *place = &header->sections[i];

		if (layout_checksum((const uint8_t *)bytes + place->offset, place->size) !=
		    place->checksum)
			return false;
	}
	return true;
}
