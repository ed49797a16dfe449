#include "daemon/policy/list.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lists/line_text.h"
#include "daemon/lists/stamp.h"
#include "daemon/text.h"

_Static_assert((int)LINE_TEXT_MAX < (int)ENTRY_TEXT, "a line fits where an entry does");

struct list *list_new(void)
{
	return calloc(1, sizeof(struct list));
}

void list_free(struct list *list)
{
	if (!list)
		return;
	for (unsigned i = 0; i < LIST_FILES; i++)
		free(list->files[i].name);
	free(list->name);
	free(list->column);
	free(list->code);
	free(list->trouble);
	free(list);
}

void list_attach(struct list *list, const struct compiled *compiled)
{
	list->number = compiled ? compiled_list(compiled, list->name) : 0;
	list->compiled = compiled && list->number < compiled->list_count ? compiled : NULL;
}

const struct layout_list *list_facts(const struct list *list)
{
	return list->compiled ? &list->compiled->lists[list->number] : NULL;
}

bool list_has_address(const struct list *list, const struct address *address)
{
	const struct list_set *set;

	if (!list->compiled)
		return false;
	set = ranges_find(&list->compiled->ranges, address);
	return set && list_set_has(set, list->number);
}

/* Names end in a label that is not all digits, so a literal is told by its look. */
static bool looks_literal(const char *host)
{
	return strchr(host, ':') || (*host && isdigit((unsigned char)host[strlen(host) - 1]));
}

bool list_has_host(const struct list *list, const char *host)
{
	struct address address;
	struct list_set set;

	if (!list->compiled)
		return false;
	if (looks_literal(host) && address_parse(&address, host) == 0)
		return list_has_address(list, &address);
	return suffixes_find(&list->compiled->suffixes, host, &set) &&
	       list_set_has(&set, list->number);
}

/* The entry that an explanation names: the first in its file that adds. */
struct search {
	unsigned list;
	bool found;
	struct list_entry entry;
};

static void consider(void *context, unsigned list, const struct list_entry *entry)
{
	struct search *search = context;

	if (list != search->list || entry->allow ||
	    (search->found && entry->line >= search->entry.line))
		return;
	search->found = true;
	search->entry = *entry;
}

/* The line's own text, as long as the file is the one that was compiled. */
static bool find_line(const struct list *list, const char *file, const struct layout_file *facts,
		      struct list_spot *spot)
{
	const struct format_options options = { .format = list->format, .column = list->column, .code = list->code };
	int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool found;

	if (descriptor < 0)
		return false;
	found = facts->stamp && stamp_of(descriptor, &options) == facts->stamp &&
		line_text(descriptor, spot->line, spot->text) == 0;
	close(descriptor);
	return found;
}

/* Lines are numbered on from the first file to the second. */
static unsigned file_of(const struct layout_list *facts, const struct list_entry *entry)
{
	bool second = facts->files[FILE_NAMES].digest &&
		      entry->line > facts->files[FILE_NAMES].first_line;

	return second ? FILE_NAMES : FILE_ADDRESSES;
}

void list_find_spot(const struct list *list, const struct list_entry *entry, struct list_spot *spot)
{
	const struct layout_list *facts = list_facts(list);
	unsigned index = file_of(facts, entry);
	const struct layout_file *file = &facts->files[index];
	const char *name = list->files[index].name;

	spot->file = name ? name : list->name;
	spot->line = entry->line - file->first_line;
	spot->kind = file->kind;
	if (!name || file->kind != FILE_OF_LINES || !find_line(list, name, file, spot))
		entry_print(entry, spot->text);
}

static void print_hit(const struct list *list, const struct list_entry *entry, struct text *text)
{
	struct list_spot spot;

	list_find_spot(list, entry, &spot);
	switch (spot.kind) {
	case FILE_OF_LINES:
		text_addf(text, "%s:%u: %s", spot.file, spot.line, spot.text);
		break;
	case FILE_OF_PACKED_LINES:
		text_addf(text, "%s: line %u: %s", spot.file, spot.line, spot.text);
		break;
	default:
		text_addf(text, "%s: entry %u: %s", spot.file, spot.line, spot.text);
	}
}

bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text)
{
	struct search search = { .list = list->number };

	if (!list_has_address(list, address))
		return false;
	ranges_search(&list->compiled->ranges, address, consider, &search);
	if (search.found)
		print_hit(list, &search.entry, text);
	return search.found;
}

bool list_print_host_entry(const struct list *list, const char *host, struct text *text)
{
	struct search search = { .list = list->number };
	struct address address;

	if (!list_has_host(list, host))
		return false;
	if (looks_literal(host) && address_parse(&address, host) == 0)
		return list_print_address_entry(list, &address, text);
	suffixes_search(&list->compiled->suffixes, host, consider, &search);
	if (search.found)
		print_hit(list, &search.entry, text);
	return search.found;
}
