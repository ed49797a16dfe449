#include "daemon/policy/grammar.h"

#include <ctype.h>
#include <string.h>

#include "daemon/policy/suggestion.h"

const struct keyword *grammar_find(const struct grammar *grammar, const char *word)
{
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++) {
		if (strcmp(keyword->word, word) == 0)
			return keyword;
	}
	return NULL;
}

static void list_words(const struct grammar *grammar, struct text *text)
{
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++)
		text_addf(text, "%s%s", keyword == grammar->keywords ? "" : ", ", keyword->word);
}

/* What people call things elsewhere. */
static const struct {
	const char *word;
	const char *ours;
} aliases[] = {
	{ "action", "do" },	{ "client", "from" },	   { "conditions", "when" },
	{ "country", "address" }, { "destination", "address" }, { "device", "from" },
	{ "domain", "host" },	{ "dst", "address" },	   { "file", "names" },
	{ "if", "when" },	{ "interface", "lan" },	   { "interfaces", "lan" },
	{ "ip", "address" },	{ "mac", "from" },	   { "match", "when" },
	{ "name", "host" },	{ "sni", "host" },	   { "source", "from" },
	{ "src", "from" },	{ "then", "do" },	   { "uri", "path" },
	{ "url", "path" },	{ "verb", "method" },	   { "verdict", "do" },
};

static const char *find_alias(const struct grammar *grammar, const char *word)
{
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i].word, word) == 0 && grammar_find(grammar, aliases[i].ours))
			return aliases[i].ours;
	return NULL;
}

static const char *suggest(const struct grammar *grammar, const char *word)
{
	const char *alias = find_alias(grammar, word);
	struct suggestion suggestion;

	if (alias)
		return alias;
	suggestion_begin(&suggestion, word);
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++)
		suggestion_offer(&suggestion, keyword->word);
	return suggestion.best;
}

static void report_unknown(struct reading *reading, const struct grammar *grammar, struct value key)
{
	const char *best = suggest(grammar, value_text(key) ? value_text(key) : "");
	char message[MESSAGE_SIZE];
	char found[FOUND_SIZE];
	struct text text;

	text_begin(&text, message, sizeof(message));
	text_addf(&text, "unknown key %s in %s; ", reading_found(key, found), grammar->what);
	if (best) {
		text_addf(&text, "did you mean \"%s\"?", best);
	} else {
		text_add(&text, "its keys are ");
		list_words(grammar, &text);
	}
	reading_error(reading, key, "%s", message);
}

static void check_double(struct reading *reading, struct value mapping, size_t index)
{
	const char *word = value_text(value_key(mapping, index));

	for (size_t i = 0; i < index; i++) {
		const char *other = value_text(value_key(mapping, i));

		if (!other || strcmp(other, word) != 0)
			continue;
		reading_error(reading, value_key(mapping, index),
			      "\"%s\" is given twice; the first is in line %u", word,
			      value_place(value_key(mapping, i)).line);
		return;
	}
}

bool grammar_check(struct reading *reading, const struct grammar *grammar, struct value value)
{
	char found[FOUND_SIZE];

	if (value_kind(value) != VALUE_MAPPING) {
		reading_error(reading, value, "%s is a mapping (key: value); found %s",
			      grammar->what, reading_found(value, found));
		return false;
	}
	for (size_t i = 0; i < value_count(value); i++) {
		struct value key = value_key(value, i);

		if (!value_text(key) || !grammar_find(grammar, value_text(key)))
			report_unknown(reading, grammar, key);
		else
			check_double(reading, value, i);
	}
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++) {
		if (keyword->required && !value_find(value, keyword->word).node)
			reading_error(reading, value, "%s has no \"%s\", which takes %s",
				      grammar->what, keyword->word, keyword->takes);
	}
	return true;
}

void grammar_read(struct reading *reading, const struct grammar *grammar, struct value value,
		  void *target)
{
	if (reading->nesting == NESTING_MAX) {
		reading_error(reading, value, "this is nested too deeply");
		return;
	}
	if (!grammar_check(reading, grammar, value))
		return;
	reading->nesting++;
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		const char *word = value_text(value_key(value, i));
		const struct keyword *keyword = word ? grammar_find(grammar, word) : NULL;

		if (keyword)
			keyword_read(reading, keyword, value_item(value, i), target);
	}
	reading->nesting--;
}

void keyword_mismatch(struct reading *reading, const struct keyword *keyword, struct value value)
{
	char found[FOUND_SIZE];

	reading_error(reading, value, "\"%s\" takes %s; found %s", keyword->word, keyword->takes,
		      reading_found(value, found));
}

/* Aliases make a short text long: a walk over them must end. */
static bool count_value(struct reading *reading, struct value value)
{
	if (reading->overrun)
		return false;
	if (++reading->value_count <= VALUES_MAX)
		return true;
	reading->overrun = true;
	reading_error(reading, value,
		      "the policy holds more than %d values, or aliases that repeat themselves; "
		      "move long lists into list files",
		      VALUES_MAX);
	return false;
}

static bool is_taken(const struct keyword *keyword, struct value value)
{
	switch (value_kind(value)) {
	case VALUE_SCALAR:
		return value_text(value) &&
		       keyword->forms & (FORM_TEXT | FORM_NUMBER | FORM_BOOLEAN);
	case VALUE_MAPPING:
		return keyword->forms & (FORM_MAPPING | FORM_NAMED);
	default:
		return false;
	}
}

static void read_one(struct reading *reading, const struct keyword *keyword, keyword_reader *read,
		     struct value value, void *target)
{
	if (!count_value(reading, value))
		return;
	if (!is_taken(keyword, value))
		keyword_mismatch(reading, keyword, value);
	else if (read)
		read(reading, keyword, value, target);
	else if (keyword->grammar)
		grammar_read(reading, keyword->grammar, value, target);
}

static void read_with(struct reading *reading, const struct keyword *keyword, keyword_reader *read,
		      struct value value, void *target)
{
	size_t count = value_count(value);

	if (value_kind(value) != VALUE_LIST || !(keyword->forms & FORM_LIST)) {
		read_one(reading, keyword, read, value, target);
		return;
	}
	if (count == 0 && !(keyword->forms & FORM_EMPTY))
		reading_error(reading, value, "\"%s\" is an empty list; it takes %s", keyword->word,
			      keyword->takes);
	for (size_t i = 0; i < count && !reading->overrun; i++)
		read_one(reading, keyword, read, value_item(value, i), target);
}

void keyword_read(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	/* An empty `rules:` is a file whose rules are all commented out. */
	if (value_kind(value) == VALUE_NOTHING && keyword->forms & FORM_EMPTY)
		return;
	if (keyword->read || !keyword->read_late)
		read_with(reading, keyword, keyword->read, value, target);
}

void keyword_read_late(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	if (value_kind(value) == VALUE_NOTHING && keyword->forms & FORM_EMPTY)
		return;
	if (keyword->read_late)
		read_with(reading, keyword, keyword->read_late, value, target);
}

int keyword_choose(struct reading *reading, const struct keyword *keyword, struct value value)
{
	struct suggestion suggestion;
	char found[FOUND_SIZE];

	suggestion_begin(&suggestion, value_text(value));
	for (int i = 0; keyword->words[i]; i++) {
		if (strcmp(keyword->words[i], value_text(value)) == 0)
			return i;
		/* 1.4 is no slip of the pen for 1.3. */
		if (isalpha((unsigned char)*keyword->words[i]))
			suggestion_offer(&suggestion, keyword->words[i]);
	}
	if (suggestion.best)
		reading_error(reading, value, "\"%s\" takes %s; found %s, did you mean \"%s\"?",
			      keyword->word, keyword->takes, reading_found(value, found),
			      suggestion.best);
	else
		keyword_mismatch(reading, keyword, value);
	return -1;
}

bool keyword_boolean(struct reading *reading, const struct keyword *keyword, struct value value)
{
	const char *text = value_text(value);

	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		keyword_mismatch(reading, keyword, value);
	return strcmp(text, "true") == 0;
}
