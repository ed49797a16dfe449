/* `lists`: from the policy file and the list files it names into struct list. */
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/label.h"
#include "daemon/policy/scalar.h"

static const char *const format_words[] = { "plain", "hosts", NULL };

static bool is_compressed(const struct source *source)
{
	static const struct {
		const char *bytes;
		size_t length;
	} magics[] = { { "\x1f\x8b", 2 },
		       { "\xfd"
			 "7zXZ",
			 5 },
		       { "\x28\xb5\x2f\xfd", 4 },
		       { "BZh", 3 },
		       { "PK\x03\x04", 4 } };

	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		if (source->length >= magics[i].length &&
		    memcmp(source->bytes, magics[i].bytes, magics[i].length) == 0)
			return true;
	}
	return false;
}

static const struct source *find_list_file(struct reading *reading, struct value value)
{
	char name[SOURCE_NAME_SIZE];
	const struct source *source = NULL;

	if (source_name(name, value_place(value).file, value_text(value)))
		source = sources_find(reading->policy->sources, name);
	if (!source)
		reading_missing(reading, value, value_text(value));
	else if (!source->bytes)
		reading_error(reading, value, "%s cannot be read: %s", name,
			      strerror(source->error));
	else if (is_compressed(source))
		reading_error(
			reading, value,
			"%s is compressed, which is not carried by this version yet; unpack it",
			name);
	else
		return source;
	return NULL;
}

/* "4, 9, 17 …" */
static void add_lines(struct text *text, const struct list_reading *met)
{
	size_t room = sizeof(met->bad_lines) / sizeof(*met->bad_lines);

	for (size_t i = 0; i < met->bad && i < room; i++)
		text_addf(text, "%s%u", i ? ", " : "", met->bad_lines[i]);
	if (met->bad > room)
		text_add(text, " …");
}

static void judge(struct reading *reading, struct value value, const struct source *source,
		  const struct list_reading *met)
{
	struct place place = { source->name, met->bad_lines[0], 1 };
	char message[MESSAGE_SIZE];
	struct text text;

	text_begin(&text, message, sizeof(message));
	if (met->bad > met->entries) {
		reading_error(
			reading, value,
			"%s is no plain list: %zu of its %zu entries are not understood, the "
			"first in line %u; it takes an address, prefix, range or name in each "
			"line, or the lines of a hosts file",
			source->name, met->bad, met->bad + met->entries, met->bad_lines[0]);
	} else if (met->bad) {
		text_addf(&text, "%zu of %zu entries are not understood and left out, in line ",
			  met->bad, met->bad + met->entries);
		add_lines(&text, met);
		reading_note(reading, SEVERITY_WARNING, &place, message);
	} else if (met->entries == 0) {
		reading_warning(reading, value, "%s holds no entry", source->name);
	}
}

static void read_addresses(struct reading *reading, const struct keyword *keyword,
			   struct value value, void *target)
{
	const struct source *source = find_list_file(reading, value);
	struct list_reading met = { 0 };
	struct list *list = target;

	(void)keyword;
	if (!source || list->addresses_file)
		return;
	if (list_read_addresses(list, source, &met) != 0)
		reading_exhausted(reading);
	list->bad_lines += met.bad;
	judge(reading, value, source, &met);
}

static void read_names(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	const struct source *source = find_list_file(reading, value);
	struct list_reading met = { 0 };
	struct list *list = target;

	(void)keyword;
	if (!source || list->names_file)
		return;
	if (list_read_names(list, source, &met) != 0)
		reading_exhausted(reading);
	list->bad_lines += met.bad;
	judge(reading, value, source, &met);
}

/* Both formats are told apart line by line, so a right word needs no further care. */
static void read_format(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	(void)target;
	for (size_t i = 0; format_words[i]; i++) {
		if (strcmp(format_words[i], value_text(value)) == 0)
			return;
	}
	reading_error(reading, value,
		      "the format \"%.40s\" is not carried by this version yet; \"%s\" takes %s",
		      value_text(value), keyword->word, keyword->takes);
}

static const struct keyword list_keywords[] = {
	{ "addresses", FORM_TEXT, "a file with an address, prefix or range in each line",
	  .read = read_addresses },
	{ "names", FORM_TEXT, "a file with a name in each line, or a hosts file",
	  .read = read_names },
	{ "format", FORM_TEXT, "plain or hosts", .read = read_format, .words = format_words },
	{ "source", FORM_TEXT, "the address the list is fetched from (not carried yet)",
	  .read = read_not_carried },
	{ "refresh", FORM_TEXT | FORM_NUMBER, "how often it is fetched (not carried yet)",
	  .read = read_not_carried },
	{ 0 },
};

const struct grammar list_grammar = { "a list", list_keywords };

static bool is_defined(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->list_count; i++) {
		if (policy->lists[i]->name && strcmp(policy->lists[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* Also what turns out to be wrong gets its place, so that later mentions of the name are no
 * mistake. */
static struct list *add_list(struct reading *reading)
{
	struct policy *policy = reading->policy;
	struct list *list = calloc(1, sizeof(*list));
	struct list **grown;

	if (!list) {
		reading_exhausted(reading);
		return NULL;
	}
	grown = reading_grow(reading, policy->lists, &policy->list_count, sizeof(list));
	if (!grown) {
		free(list);
		return NULL;
	}
	policy->lists = grown;
	return grown[policy->list_count - 1] = list;
}

static void read_list(struct reading *reading, struct value value, struct list *list)
{
	size_t errors = reading->errors;

	list->place = value_place(value);
	grammar_read(reading, &list_grammar, value, list);
	list_finish(list);
	if (!list->addresses_file && !list->names_file && reading->errors == errors)
		reading_error(reading, value,
			      "the list \"%s\" has neither \"addresses: FILE\" nor \"names: FILE\"",
			      list->name ? list->name : "");
}

void read_lists(struct reading *reading, const struct keyword *keyword, struct value value,
		void *target)
{
	(void)target;
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		char *name = label_read(reading, keyword, value, i);
		bool doubled = name && is_defined(reading->policy, name);
		struct list *list = name && !doubled ? add_list(reading) : NULL;

		if (doubled)
			label_doubled(reading, keyword, value_key(value, i));
		if (!list) {
			free(name);
			continue;
		}
		list->name = name;
		read_list(reading, value_item(value, i), list);
	}
}
