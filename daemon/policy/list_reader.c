/* `lists`: from the policy file and the list files it names into struct list. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/label.h"
#include "daemon/policy/scalar.h"

/* The files are read when the words that say how to are known, wherever they stand. */
struct list_draft {
	struct list *list;
	struct value addresses;
	struct value names;
};

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
	else
		return source;
	return NULL;
}

/* At the first line of them. */
static void warn_of_bad_lines(struct reading *reading, const struct source *source,
			      const struct format_report *report)
{
	struct place place = { source->name, report->bad_lines[0].line, 1 };
	char message[MESSAGE_SIZE];
	struct text text;

	text_begin(&text, message, sizeof(message));
	text_addf(&text, "%zu %s not understood and left out: ", report->bad,
		  report->bad == 1 ? "line is" : "lines are");
	for (size_t i = 0; i < report->bad && i < FORMAT_BAD_SHOWN; i++)
		text_addf(&text, "%sline %u (%s)", i ? ", " : "", report->bad_lines[i].line,
			  report->bad_lines[i].why);
	if (report->bad > FORMAT_BAD_SHOWN)
		text_add(&text, " …");
	reading_note(reading, SEVERITY_WARNING, &place, message);
}

static bool is_one_of(const char *word, const char *first, const char *second)
{
	return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

/* A word that means nothing is never passed over in silence. */
static void judge_options(struct reading *reading, struct value value, const struct list *list,
			  const char *format)
{
	if (list->column && strcmp(format, "csv") != 0)
		reading_error(reading, value, "\"column\" goes with a csv, but this is read as %s",
			      format);
	if (list->code && !is_one_of(format, "csv", "mmdb"))
		reading_error(reading, value,
			      "\"code\" goes with a csv or mmdb, but this is read as %s", format);
}

/* True when the file was taken. */
static bool judge(struct reading *reading, struct value value, struct list *list,
		  const struct source *source, const struct format_report *report)
{
	/* The owner's own file may wait for its first entry; a published one has some. */
	if (report->empty && !list->code && !list->column) {
		reading_warning(reading, value, "%s holds no entry", source->name);
		return false;
	}
	if (*report->refusal) {
		reading_error(reading, value, "%s is refused: %s", source->name, report->refusal);
		return false;
	}
	judge_options(reading, value, list, report->format);
	list->bad_lines += report->bad;
	if (report->bad)
		warn_of_bad_lines(reading, source, report);
	return true;
}

static void load_addresses(struct reading *reading, struct value value, struct list *list)
{
	const struct source *source = find_list_file(reading, value);
	struct list_reading met;
	size_t names;

	if (!source)
		return;
	if (list_read_addresses(list, source, &met, &names) == FORMAT_STOPPED) {
		reading_exhausted(reading);
		return;
	}
	if (!judge(reading, value, list, source, &met.report))
		return;
	list->bad_lines += names;
	if (names == met.report.entries)
		reading_error(reading, value,
			      "%s holds names and no addresses; give it as \"names\"",
			      source->name);
	else if (names)
		reading_warning(reading, value,
				"%s holds %zu %s, left out: \"addresses\" takes addresses alone",
				source->name, names, names == 1 ? "name" : "names");
}

static void load_names(struct reading *reading, struct value value, struct list *list)
{
	const struct source *source = find_list_file(reading, value);
	struct list_reading met;

	if (!source)
		return;
	if (list_read_names(list, source, &met) == FORMAT_STOPPED)
		reading_exhausted(reading);
	else
		judge(reading, value, list, source, &met.report);
}

static void read_addresses(struct reading *reading, const struct keyword *keyword,
			   struct value value, void *target)
{
	(void)reading;
	(void)keyword;
	((struct list_draft *)target)->addresses = value;
}

static void read_names(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	(void)reading;
	(void)keyword;
	((struct list_draft *)target)->names = value;
}

static void read_format(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct list *list = ((struct list_draft *)target)->list;
	int index = keyword_choose(reading, keyword, value);

	if (index >= 0)
		list->format = format_words[index];
}

static void read_column(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct list *list = ((struct list_draft *)target)->list;

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
	struct list *list = ((struct list_draft *)target)->list;

	if (!is_code(value_text(value)))
		keyword_mismatch(reading, keyword, value);
	else if (!list->code)
		list->code = reading_copy(reading, value_text(value));
}

static const struct keyword list_keywords[] = {
	{ "addresses", FORM_TEXT, "a file with addresses, prefixes or ranges, in any format",
	  .read = read_addresses },
	{ "names", FORM_TEXT, "a file with names, in any format", .read = read_names },
	{ "format", FORM_TEXT,
	  "plain, hosts, dnsmasq, adblock, rpz, csv, drop, ipset, nftables, mmdb, srs, mrs or auto",
	  .read = read_format, .words = format_words },
	{ "column", FORM_TEXT | FORM_NUMBER,
	  "the column of a csv: its number from 1 or its name in the header",
	  .read = read_column },
	{ "code", FORM_TEXT, "a country such as DE or a network such as AS64496",
	  .read = read_code },
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
	struct list *list = list_new();
	struct list **grown;

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

static void read_list(struct reading *reading, struct value value, struct list *list)
{
	struct list_draft draft = { .list = list };
	size_t errors = reading->errors;

	list->place = value_place(value);
	grammar_read(reading, &list_grammar, value, &draft);
	if (reading->errors == errors && !draft.addresses.node && !draft.names.node)
		reading_error(reading, value,
			      "the list \"%s\" has neither \"addresses: FILE\" nor \"names: FILE\"",
			      list->name ? list->name : "");
	if (draft.addresses.node)
		load_addresses(reading, draft.addresses, list);
	if (draft.names.node)
		load_names(reading, draft.names, list);
	if (list_finish(list) != 0)
		reading_exhausted(reading);
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
