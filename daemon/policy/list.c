#include "daemon/policy/list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/names.h"
#include "daemon/policy/list_file.h"
#include "daemon/policy/source.h"
#include "daemon/text.h"

struct filling {
	struct list *list;
	struct list_reading *reading;
};

static void note_bad(struct list_reading *reading, unsigned line)
{
	size_t room = sizeof(reading->bad_lines) / sizeof(*reading->bad_lines);

	if (reading->bad < room)
		reading->bad_lines[reading->bad] = line;
	reading->bad++;
}

static bool add_prefix(struct list *list, const struct prefix *prefix)
{
	size_t count = list->prefix_count;

	/* Room doubles whenever the count is a power of two. */
	if ((count & (count - 1)) == 0) {
		size_t room = count ? count * 2 : 1;
		struct prefix *grown = realloc(list->prefixes, room * sizeof(*grown));

		if (!grown)
			return false;
		list->prefixes = grown;
	}
	list->prefixes[list->prefix_count++] = *prefix;
	return true;
}

static bool take_address(void *context, const struct list_entry *entry)
{
	struct filling *filling = context;

	if (entry->kind != LIST_ENTRY_PREFIX) {
		note_bad(filling->reading, entry->line);
		return true;
	}
	filling->reading->entries++;
	return add_prefix(filling->list, &entry->prefix);
}

static bool take_name(void *context, const struct list_entry *entry)
{
	struct filling *filling = context;

	if (entry->kind != LIST_ENTRY_NAME)
		return take_address(context, entry);
	filling->reading->entries++;
	return name_set_add(filling->list->names, entry->name_kind, entry->name, entry->line) == 0;
}

int list_read_addresses(struct list *list, const struct source *source,
			struct list_reading *reading)
{
	struct filling filling = { list, reading };

	list->addresses_file = source;
	return list_file_scan(source->bytes, source->length, take_address, &filling) ? 0 : -1;
}

int list_read_names(struct list *list, const struct source *source, struct list_reading *reading)
{
	struct filling filling = { list, reading };

	list->names_file = source;
	list->names = name_set_new();
	if (!list->names)
		return -1;
	return list_file_scan(source->bytes, source->length, take_name, &filling) ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	const struct prefix *left = a;
	const struct prefix *right = b;
	int order = address_compare(&left->base, &right->base);

	return order ? order : (int)left->length - (int)right->length;
}

void list_finish(struct list *list)
{
	size_t kept = 0;

	if (list->names)
		name_set_finish(list->names);
	if (list->prefix_count == 0)
		return;
	qsort(list->prefixes, list->prefix_count, sizeof(*list->prefixes), compare);
	for (size_t i = 1; i < list->prefix_count; i++) {
		if (!prefix_contains(&list->prefixes[kept], &list->prefixes[i].base))
			list->prefixes[++kept] = list->prefixes[i];
	}
	list->prefix_count = kept + 1;
}

bool list_has_address(const struct list *list, const struct address *address)
{
	size_t low = 0;
	size_t high = list->prefix_count;

	/* The last prefix that begins at or before the address: no other can hold it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address_compare(&list->prefixes[middle].base, address) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && prefix_contains(&list->prefixes[low - 1], address);
}

/* Names end in a label that is not all digits, so a literal is told by its look. */
static bool looks_literal(const char *host)
{
	return strchr(host, ':') || (*host && isdigit((unsigned char)host[strlen(host) - 1]));
}

bool list_has_host(const struct list *list, const char *host)
{
	struct address address;

	if (list->names && name_set_find(list->names, host, NULL))
		return true;
	return list->prefix_count && looks_literal(host) && address_parse(&address, host) == 0 &&
	       list_has_address(list, &address);
}

/* Looks an entry up in the text it came from: slow, but the table need not remember. */
struct search {
	const struct address *address; /* NULL: by line */
	unsigned line;
	struct list_entry hit;
};

static bool search_entry(void *context, const struct list_entry *entry)
{
	struct search *search = context;

	if (search->address ? entry->kind != LIST_ENTRY_PREFIX ||
				      !prefix_contains(&entry->prefix, search->address)
			    : entry->line != search->line)
		return true;
	search->hit = *entry;
	return false;
}

static bool print_hit(const struct source *source, struct search *search, struct text *text)
{
	size_t length;

	if (!source || list_file_scan(source->bytes, source->length, search_entry, search))
		return false;
	length = search->hit.text_length;
	while (length > 0 && isspace((unsigned char)search->hit.text[length - 1]))
		length--;
	text_addf(text, "%s:%u: ", source->name, search->hit.line);
	text_add_bytes(text, search->hit.text, length > 120 ? 120 : length);
	return true;
}

bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text)
{
	struct search search = { .address = address };

	return print_hit(list->addresses_file, &search, text) ||
	       print_hit(list->names_file, &search, text);
}

bool list_print_host_entry(const struct list *list, const char *host, struct text *text)
{
	struct search search = { 0 };
	struct address address;

	if (list->names && name_set_find(list->names, host, &search.line))
		return print_hit(list->names_file, &search, text);
	return address_parse(&address, host) == 0 && list_print_address_entry(list, &address, text);
}

void list_free(struct list *list)
{
	if (!list)
		return;
	free(list->name);
	free(list->prefixes);
	name_set_free(list->names);
	free(list);
}
