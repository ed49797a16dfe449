/* An entry with addresses as the builder sorts it: a byte string whose order is by family, first
 * address, longest range, list. Pure. */
#pragma once

#include <stddef.h>

#include "daemon/lists/entry.h"
#include "daemon/lists/wide.h"

enum { RANGE_RECORD_SIZE = 40 };

struct range_record {
	bool ipv6;
	struct wide first, last;
	unsigned list;
	bool allow;
	unsigned line;
};

/* False when the entry is no range: mixed families, or the last address before the first. */
bool range_record_from(struct range_record *record, unsigned list, const struct list_entry *entry);

/* Writes the byte string; its length. */
size_t range_record_print(const struct range_record *record,
			  uint8_t bytes[static RANGE_RECORD_SIZE]);

/* Reads what range_record_print() wrote. False for the record of a name. */
bool range_record_parse(struct range_record *record, const uint8_t *bytes, size_t length);
