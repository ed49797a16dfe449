#include "daemon/lists/range_record.h"

#include <endian.h>
#include <string.h>

enum { MARK4 = 4, MARK6 = 6, LENGTH4 = 16 };

static struct wide number_of(const struct address *address)
{
	uint64_t halves[2];

	if (address->family == AF_INET)
		return (struct wide){ 0, ntohl(address->v4.s_addr) };
	memcpy(halves, address->bytes, sizeof halves);
	return (struct wide){ be64toh(halves[0]), be64toh(halves[1]) };
}

bool range_record_from(struct range_record *record, unsigned list, const struct list_entry *entry)
{
	if (entry->first.family != entry->last.family || !address_width(&entry->first))
		return false;
	record->ipv6 = entry->first.family == AF_INET6;
	record->first = number_of(&entry->first);
	record->last = number_of(&entry->last);
	record->list = list;
	record->allow = entry->allow;
	record->line = entry->line;
	return wide_compare(record->first, record->last) <= 0;
}

static uint8_t *put(uint8_t *to, uint64_t number, size_t width)
{
	uint64_t swapped = htobe64(number);

	memcpy(to, (uint8_t *)&swapped + sizeof swapped - width, width);
	return to + width;
}

/* Among equal firsts the longest range comes first: it covers the others. */
size_t range_record_print(const struct range_record *record,
			  uint8_t bytes[static RANGE_RECORD_SIZE])
{
	uint8_t *next = put(bytes, record->ipv6 ? MARK6 : MARK4, 1);

	if (record->ipv6) {
		next = put(next, record->first.upper, 8);
		next = put(next, record->first.lower, 8);
		next = put(next, ~record->last.upper, 8);
		next = put(next, ~record->last.lower, 8);
	} else {
		next = put(next, record->first.lower, 4);
		next = put(next, ~record->last.lower, 4);
	}
	next = put(next, record->list, 2);
	next = put(next, record->allow, 1);
	next = put(next, record->line, 4);
	return (size_t)(next - bytes);
}

static uint64_t take(const uint8_t **from, size_t width)
{
	uint64_t number = 0;

	for (size_t i = 0; i < width; i++)
		number = number << 8 | *(*from)++;
	return number;
}

bool range_record_parse(struct range_record *record, const uint8_t *bytes, size_t length)
{
	const uint8_t *next = bytes + 1;

	memset(record, 0, sizeof *record);
	record->ipv6 = length == RANGE_RECORD_SIZE && bytes[0] == MARK6;
	if (!record->ipv6 && (length != LENGTH4 || bytes[0] != MARK4))
		return false;
	if (record->ipv6) {
		record->first.upper = take(&next, 8);
		record->first.lower = take(&next, 8);
		record->last.upper = ~take(&next, 8);
		record->last.lower = ~take(&next, 8);
	} else {
		record->first.lower = take(&next, 4);
		record->last.lower = (uint32_t)~take(&next, 4);
	}
	record->list = (unsigned)take(&next, 2);
	record->allow = take(&next, 1);
	record->line = (unsigned)take(&next, 4);
	return true;
}
