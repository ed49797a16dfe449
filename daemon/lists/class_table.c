#include "daemon/lists/class_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/layout.h"

enum { SLOTS_LEAST = 64 };

void class_table_begin(struct class_table *table, size_t size)
{
	memset(table, 0, sizeof *table);
	table->size = size;
}

void class_table_end(struct class_table *table)
{
	free(table->records);
	free(table->slots);
	class_table_begin(table, table->size);
}

/* The slot of the record, or the free one where it belongs. */
static uint32_t *slot_of(const struct class_table *table, const void *record)
{
	size_t slot = layout_checksum(record, table->size) % table->slot_count;

	while (table->slots[slot] && memcmp(table->records + (table->slots[slot] - 1) * table->size,
					    record, table->size) != 0)
		slot = (slot + 1) % table->slot_count;
	return &table->slots[slot];
}

/* Half of the slots stay free; records have room for as many as there may be before the next
 * growth. */
static int grow(struct class_table *table)
{
	size_t slot_count = table->slot_count ? 2 * table->slot_count : SLOTS_LEAST;
	uint32_t *slots = calloc(slot_count, sizeof *slots);
	uint8_t *records = slots ? reallocarray(table->records, slot_count / 2, table->size) : NULL;

	if (!records) {
		free(slots);
		return -1;
	}
	free(table->slots);
	table->records = records;
	table->slots = slots;
	table->slot_count = slot_count;
	for (size_t i = 0; i < table->count; i++)
		*slot_of(table, records + i * table->size) = (uint32_t)i + 1;
	return 0;
}

int class_table_number(struct class_table *table, const void *record)
{
	uint32_t *slot;

	if (2 * table->count >= table->slot_count && grow(table))
		return -1;
	slot = slot_of(table, record);
	if (*slot)
		return (int)*slot - 1;
	if (table->count == LAYOUT_CLASSES_MAX) {
		errno = E2BIG;
		return -1;
	}
	memcpy(table->records + table->count * table->size, record, table->size);
	*slot = (uint32_t)++table->count;
	return (int)table->count - 1;
}
