/* MaxMind DB files (format 2.0): a binary tree over the bits of an address whose leaves point at
 * records. Read from bytes in memory, which may be hostile. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

struct mmdb {
	const uint8_t *tree;
	const uint8_t *data; /* the records */
	size_t data_length;
	uint32_t node_count;
	unsigned record_size; /* bits: 24, 28 or 32 */
	unsigned depth;	      /* 32 or 128 */
};

/* Points mmdb into the bytes, which must outlive it. False when they are no such file. */
bool mmdb_begin(struct mmdb *mmdb, const uint8_t *bytes, size_t length);

/* True when the record at this offset of the data belongs to the code: a country ("DE", found as
 * country/iso_code, country_code or country) or an autonomous system ("AS64496",
 * autonomous_system_number or asn). */
bool mmdb_record_has(const struct mmdb *mmdb, size_t offset, const char *code);

/* Takes a prefix and its record's offset; false ends the walk. */
typedef bool mmdb_sink(void *context, const struct prefix *prefix, size_t offset);

/* Gives every prefix that has a record, in order, IPv4 as IPv4 and its aliases in IPv6 left out. 0;
 * -1 when the sink ended it; -2 when the tree is damaged. */
int mmdb_walk(const struct mmdb *mmdb, mmdb_sink *sink, void *context);
