/* `lists`: from the policy file into struct list. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/lists/format_words.h"
#include "daemon/policy/definitions.h"
#include "daemon/policy/feed_reader.h"
#include "daemon/policy/label.h"
#include "daemon/policy/list_reader.h"
#include "daemon/policy/scalar.h"

/* Whether the file can be read is told when it is compiled: here only its name counts. */
static void note_file(struct reading *reading, struct value value, struct list_file *file)
{
	char name[SOURCE_NAME_SIZE];

	if (file->name)
		return;
	if (!source_name(name, value_place(value).file, value_text(value))) {
		reading_error(reading, value, "\"%.60s\" is no name of a file", value_text(value));
		return;
	}
	file->name = reading_copy(reading, name);
	file->place = value_place(value);
}

static void read_addresses(struct reading *reading, const struct keyword *keyword,
			   struct value value, void *target)
{
	(void)keyword;
	note_file(reading, value, &((struct list *)target)->files[FILE_ADDRESSES]);
}

static void read_names(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	(void)keyword;
	note_file(reading, value, &((struct list *)target)->files[FILE_NAMES]);
}

static void read_format(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct list *list = target;
	int index = keyword_choose(reading, keyword, value);

	if (index >= 0)
		list->format = format_words[index];
}

static void read_column(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct list *list = target;

	if (!*value_text(value) || strcmp(value_text(value), "0") == 0)
		keyword_mismatch(reading, keyword, value);
	else if (!list->column)
		list->column = reading_copy(reading, value_text(value));
}

/* "DE" or "AS64496", in any case. */
static bool is_code(const char *text)
{
	size_t digits = strlen(text) > 2 ? strspn(text + 2, "0123456789") : 0;

	if (strlen(text) == 2)
		return isalnum((unsigned char)text[0]) && isalnum((unsigned char)text[1]);
	return strncasecmp(text, "AS", 2) == 0 && digits > 0 && !text[2 + digits];
}

static void read_code(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct list *list = target;

	if (!is_code(value_text(value)))
		keyword_mismatch(reading, keyword, value);
	else if (!list->code)
		list->code = reading_copy(reading, value_text(value));
}

static void read_percent(struct reading *reading, const struct keyword *keyword, struct value value,
			 uint32_t most, unsigned *percent)
{
	uint32_t range[2] = { 0, most };
	uint32_t number;

	if (scalar_number(reading, keyword, value, range, &number))
		*percent = number;
}

static void read_shrink(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	read_percent(reading, keyword, value, 100, &((struct list *)target)->shrink);
}

static void read_grow(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	read_percent(reading, keyword, value, 1000000, &((struct list *)target)->grow);
}

static void read_guard(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	((struct list *)target)->guard =
		keyword_boolean(reading, keyword, value) ? GUARD_ALWAYS : GUARD_NEVER;
}

static const struct keyword list_keywords[] = {
	{ "addresses", FORM_TEXT, "a file with addresses, prefixes or ranges, in any format",
	  .read = read_addresses },
	{ "names", FORM_TEXT, "a file with names, in any format", .read = read_names },
	{ "format", FORM_TEXT,
	  "plain, hosts, dnsmasq, adblock, rpz, csv, drop, ipset, nftables, mmdb, srs, mrs or auto",
	  .read = read_format, .words = format_words },
	{ "column", FORM_TEXT | FORM_NUMBER,
	  "the column of a csv: its number from 1 or its name in the header", .read = read_column },
	{ "code", FORM_TEXT, "a country such as DE or a network such as AS64496",
	  .read = read_code },
	FEED_KEYWORDS,
	{ "shrink", FORM_NUMBER,
	  "how many percent of its entries it may lose from one time to the next, 0 to 100",
	  .read = read_shrink },
	{ "grow", FORM_NUMBER,
	  "how many percent of its entries it may win from one time to the next, 0 (any) to "
	  "1000000",
	  .read = read_grow },
	{ "guard", FORM_BOOLEAN,
	  "true or false: entries that hold addresses of your own network are left out",
	  .read = read_guard },
	{ 0 },
};

const struct grammar list_grammar = { "a list", list_keywords };

static const struct keyword countries_keywords[] = {
	{ "file", FORM_TEXT, "a MaxMind DB, or a csv with the country's code in a column",
	  .read = read_addresses, .required = true },
	{ "format", FORM_TEXT, "mmdb, csv or auto", .read = read_format, .words = format_words },
	{ "column", FORM_TEXT | FORM_NUMBER,
	  "the column of a csv that holds the addresses: its number from 1 or its name",
	  .read = read_column },
	FEED_KEYWORDS,
	{ 0 },
};

const struct grammar countries_grammar = { "\"countries\"", countries_keywords };

const struct list *list_of_name(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->list_count; i++)
		if (policy->lists[i]->name && strcmp(policy->lists[i]->name, name) == 0)
			return policy->lists[i];
	return NULL;
}

/* Also what turns out to be wrong gets its place, so that later mentions of the name are no
 * mistake. */
struct list *list_add(struct reading *reading, struct value value)
{
	struct policy *policy = reading->policy;
	struct list *list;
	struct list **grown;

	if (policy->list_count == LISTS_MAX) {
		reading_error(reading, value, "there are more than %d lists and countries",
			      LISTS_MAX);
		return NULL;
	}
	list = list_new();
	if (!list) {
		reading_exhausted(reading);
		return NULL;
	}
	grown = reading_grow(reading, policy->lists, &policy->list_count, sizeof(list));
	if (!grown) {
		list_free(list);
		return NULL;
	}
	policy->lists = grown;
	return grown[policy->list_count - 1] = list;
}

/* The owner's own file may change as it likes. */
static void finish_list(struct reading *reading, struct value value, struct list *list)
{
	if (list->feed && list->files[FILE_ADDRESSES].name && list->files[FILE_NAMES].name)
		reading_error(reading, value,
			      "a list with a \"source\" has one file, \"addresses\" or \"names\"");
	if (list->feed && !list->feed->url)
		reading_error(
			reading, value,
			"\"refresh\" and \"ca\" go with \"source\", the address to fetch from");
	if (list->shrink == UINT_MAX)
		list->shrink = list->feed ? LIST_SHRINK : 0;
	if (list->grow == UINT_MAX)
		list->grow = list->feed ? LIST_GROW : 0;
}

static void read_list(struct reading *reading, struct value value, struct list *list)
{
	size_t errors = reading->errors;

	list->place = value_place(value);
	list->shrink = UINT_MAX;
	list->grow = UINT_MAX;
	grammar_read(reading, &list_grammar, value, list);
	if (reading->errors == errors && !list->files[FILE_ADDRESSES].name &&
	    !list->files[FILE_NAMES].name)
		reading_error(reading, value,
			      "the list \"%s\" has neither \"addresses: FILE\" nor \"names: FILE\"",
			      list->name ? list->name : "");
	finish_list(reading, value, list);
}

void read_lists(struct reading *reading, const struct keyword *keyword, struct value value,
		void *target)
{
	(void)target;
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		char *name = label_read(reading, keyword, value, i);
		bool doubled = name && list_of_name(reading->policy, name);
		struct list *list = name && !doubled ? list_add(reading, value) : NULL;

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

/* What `country XX` asks: a list without a name, of which each country takes its part. */
void read_countries(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	struct policy *policy = target;
	struct list *list;

	if (policy->countries)
		return;
	list = policy->countries = list_new();
	if (!list) {
		reading_exhausted(reading);
		return;
	}
	list->place = value_place(value);
	list->name = reading_copy(reading, "country file"); /* no owner can have given it */
	if (value_kind(value) == VALUE_MAPPING)
		grammar_read(reading, keyword->grammar, value, list);
	else
		note_file(reading, value, &list->files[FILE_ADDRESSES]);
	list->shrink = list->grow = UINT_MAX;
	finish_list(reading, value, list);
}
