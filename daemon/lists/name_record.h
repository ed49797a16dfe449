/* An entry with a name as the builder sorts it: a byte string whose order puts every name directly
 * behind its parents. Pure. */
#pragma once

#include "daemon/lists/entry.h"
#include "daemon/lists/layout.h"

enum { NAME_RECORD_SIZE = NAME_SIZE + 16 };

struct name_record {
	char key[NAME_SIZE]; /* the name backwards, its dots replaced by a byte below all others */
	unsigned list;
	uint8_t mark; /* kind of the pattern, LAYOUT_ALLOW */
	unsigned line;
};

enum { NAME_KEY_DOT = 1 };

/* False when the entry's name cannot be one. */
bool name_record_from(struct name_record *record, unsigned list, const struct list_entry *entry);

/* Writes the byte string; its length. */
size_t name_record_print(const struct name_record *record, uint8_t bytes[static NAME_RECORD_SIZE]);

/* Reads what name_record_print() wrote. False for the record of a range. */
bool name_record_parse(struct name_record *record, const uint8_t *bytes, size_t length);

/* Writes the name of a key. */
void name_record_name(const char *key, char name[static NAME_SIZE]);
