#include "daemon/policy/list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/addresses.h"
#include "daemon/lists/names.h"
#include "daemon/policy/source.h"
#include "daemon/text.h"

enum { ENTRY_TEXT_MAX = 120 };

struct filling {
	struct list *list;
	size_t names_left_out;
};

struct list *list_new(void)
{
	struct list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->addresses = address_set_new();
	list->names = name_set_new();
	list->allowed_names = name_set_new();
	if (list->addresses && list->names && list->allowed_names)
		return list;
	list_free(list);
	return NULL;
}

void list_free(struct list *list)
{
	if (!list)
		return;
	free(list->name);
	free(list->column);
	free(list->code);
	address_set_free(list->addresses);
	name_set_free(list->names);
	name_set_free(list->allowed_names);
	free(list);
}

static enum format_verdict read_source(const struct list *list, const struct source *source,
				       entry_sink *sink, void *context,
				       struct list_reading *reading)
{
	struct format_options options = { list->format, list->column, list->code };
	struct span span = { (const uint8_t *)source->bytes, source->length };

	return list_read_span(span, &options, sink, context, reading);
}

static int take_address(void *context, const struct list_entry *entry)
{
	struct filling *filling = context;

	if (entry->kind == ENTRY_RANGE)
		return address_set_add(filling->list->addresses, entry);
	filling->names_left_out++;
	return 0;
}

static int take_name(void *context, const struct list_entry *entry)
{
	struct list *list = ((struct filling *)context)->list;

	if (entry->kind != ENTRY_NAME)
		return take_address(context, entry);
	return name_set_add(entry->allow ? list->allowed_names : list->names, entry->pattern,
			    entry->name, entry->line);
}

enum format_verdict list_read_addresses(struct list *list, const struct source *source,
					struct list_reading *reading, size_t *names)
{
	struct filling filling = { .list = list };
	enum format_verdict verdict;

	list->addresses_file = source;
	verdict = read_source(list, source, take_address, &filling, reading);
	*names = filling.names_left_out;
	return verdict;
}

enum format_verdict list_read_names(struct list *list, const struct source *source,
				    struct list_reading *reading)
{
	struct filling filling = { .list = list };

	list->names_file = source;
	return read_source(list, source, take_name, &filling, reading);
}

int list_finish(struct list *list)
{
	name_set_finish(list->names);
	name_set_finish(list->allowed_names);
	return address_set_finish(list->addresses);
}

size_t list_address_count(const struct list *list)
{
	return address_set_count(list->addresses);
}

size_t list_name_count(const struct list *list)
{
	return name_set_count(list->names);
}

bool list_has_address(const struct list *list, const struct address *address)
{
	return address_set_has(list->addresses, address);
}

/* Names end in a label that is not all digits, so a literal is told by its look. */
static bool looks_literal(const char *host)
{
	return strchr(host, ':') || (*host && isdigit((unsigned char)host[strlen(host) - 1]));
}

bool list_has_host(const struct list *list, const char *host)
{
	struct address address;

	if (name_set_find(list->names, host, NULL))
		return !name_set_find(list->allowed_names, host, NULL);
	return address_set_count(list->addresses) && looks_literal(host) &&
	       address_parse(&address, host) == 0 && list_has_address(list, &address);
}

struct walk {
	const struct list *list;
	entry_sink *sink;
	void *context;
};

static int give_name(void *context, const struct list_entry *entry)
{
	struct walk *walk = context;

	if (entry->kind != ENTRY_NAME || entry->allow ||
	    name_set_find(walk->list->allowed_names, entry->name, NULL))
		return 0;
	return walk->sink(walk->context, entry);
}

bool list_each_name(const struct list *list, entry_sink *sink, void *context)
{
	struct walk walk = { list, sink, context };
	struct list_reading reading;

	return read_source(list, list->names_file, give_name, &walk, &reading) != FORMAT_STOPPED;
}

/* Looks an entry up in the file it came from: slow, but the tables need not remember. */
struct search {
	const struct address *address; /* NULL: a name */
	const char *host;
	unsigned host_line; /* of its entry */
	size_t number;	    /* of the entries up to the hit */
	unsigned line;	    /* of the hit; 0: none yet */
};

static bool is_hit(const struct search *search, const struct list_entry *entry)
{
	if (entry->allow || (entry->kind == ENTRY_RANGE) != (search->address != NULL))
		return false;
	if (!search->address)
		return entry->line == search->host_line &&
		       name_matches(search->host, entry->pattern, entry->name);
	return entry->first.family == search->address->family &&
	       memcmp(entry->first.bytes, search->address->bytes, address_width(&entry->first)) <=
		       0 &&
	       memcmp(search->address->bytes, entry->last.bytes, address_width(&entry->last)) <= 0;
}

static int search_entry(void *context, const struct list_entry *entry)
{
	struct search *search = context;

	search->number++;
	if (!is_hit(search, entry))
		return 0;
	search->line = entry->line;
	return -1;
}

/* line is counted from 1 and there. */
static void add_line(struct text *text, const struct source *source, unsigned line)
{
	const char *start = source->bytes;
	const char *end = source->bytes + source->length;
	const char *stop;

	while (--line > 0) {
		const char *newline = memchr(start, '\n', (size_t)(end - start));

		start = newline ? newline + 1 : end;
	}
	stop = memchr(start, '\n', (size_t)(end - start));
	stop = stop ? stop : end;
	while (stop > start && isspace((unsigned char)stop[-1]))
		stop--;
	text_add_bytes(text, start,
		       stop - start > ENTRY_TEXT_MAX ? ENTRY_TEXT_MAX : (size_t)(stop - start));
}

static bool print_hit(const struct list *list, const struct source *source, struct search *search,
		      struct text *text)
{
	struct list_reading reading;

	search->number = 0;
	if (!source)
		return false;
	read_source(list, source, search_entry, search, &reading);
	if (!search->line)
		return false;
	if (*reading.compression || !format_is_text(reading.report.format)) {
		text_addf(text, "%s: entry %zu", source->name, search->number);
	} else {
		text_addf(text, "%s:%u: ", source->name, search->line);
		add_line(text, source, search->line);
	}
	return true;
}

bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text)
{
	struct search search = { .address = address };

	return list_has_address(list, address) &&
	       (print_hit(list, list->addresses_file, &search, text) ||
		print_hit(list, list->names_file, &search, text));
}

bool list_print_host_entry(const struct list *list, const char *host, struct text *text)
{
	struct search search = { .host = host };
	struct address address;

	if (!list_has_host(list, host))
		return false;
	if (name_set_find(list->names, host, &search.host_line))
		return print_hit(list, list->names_file, &search, text);
	return address_parse(&address, host) == 0 && list_print_address_entry(list, &address, text);
}
