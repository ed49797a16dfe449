/* Gives equal byte strings of one size the same small number, counting from 0: how combinations of
 * lists become classes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct class_table {
	uint8_t *records; /* count of them, one behind the other */
	size_t size;	  /* of a record */
	size_t count;
	uint32_t *slots; /* number + 1, 0: free */
	size_t slot_count;
};

void class_table_begin(struct class_table *table, size_t size);
void class_table_end(struct class_table *table);

/* The number of the record, which is copied when it is new. -1 with errno: ENOMEM, or E2BIG for
 * more than LAYOUT_CLASSES_MAX different ones. */
int class_table_number(struct class_table *table, const void *record);
