#include "daemon/lists/entry_text.h"

#include <stdio.h>
#include <string.h>

static bool has_bit(const struct address *address, unsigned bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

/* Equal bits, then zeros in the first and ones in the last: a prefix of that many equal bits. -1:
 * it is none. */
static int prefix_length(const struct address *first, const struct address *last)
{
	unsigned bits = address_width(first) * 8;
	unsigned length = 0;

	while (length < bits && has_bit(first, length) == has_bit(last, length))
		length++;
	for (unsigned bit = length; bit < bits; bit++)
		if (has_bit(first, bit) || !has_bit(last, bit))
			return -1;
	return (int)length;
}

static void print_range(const struct list_entry *entry, char text[static ENTRY_TEXT])
{
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT];
	int length = prefix_length(&entry->first, &entry->last);

	address_print(&entry->first, first);
	address_print(&entry->last, last);
	if (strcmp(first, last) == 0)
		strcpy(text, first);
	else if (length >= 0)
		snprintf(text, ENTRY_TEXT - 2, "%s/%d", first, length);
	else
		snprintf(text, ENTRY_TEXT - 2, "%s-%s", first, last);
}

char *entry_print(const struct list_entry *entry, char text[static ENTRY_TEXT])
{
	static const char *const fronts[] = {
		[NAME_EXACT] = "", [NAME_SUBDOMAINS] = "*.", [NAME_TREE] = "."
	};
	char *body = text;

	if (entry->allow)
		body = stpcpy(text, "@@");
	if (entry->kind == ENTRY_RANGE)
		print_range(entry, body);
	else
		snprintf(body, ENTRY_TEXT - 2, "%s%s", fronts[entry->pattern], entry->name);
	return text;
}
