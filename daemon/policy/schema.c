/* The JSON Schema of the policy file, out of the parser's own tables. */
#include <ctype.h>
#include <string.h>

#include "daemon/policy/config.h"
#include "daemon/policy/file_grammar.h"

enum { GRAMMARS_MAX = 32, KEY_SCHEMA_SIZE = 4096 };

struct schema {
	void (*write)(void *context, const char *bytes, size_t length);
	void *context;
	size_t count;
	const struct grammar *grammars[GRAMMARS_MAX]; /* everything reached from the file's top */
};

static void collect(struct schema *schema, const struct grammar *grammar)
{
	for (size_t i = 0; i < schema->count; i++) {
		if (schema->grammars[i] == grammar)
			return;
	}
	if (schema->count == GRAMMARS_MAX)
		return;
	schema->grammars[schema->count++] = grammar;
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++) {
		if (keyword->grammar)
			collect(schema, keyword->grammar);
	}
}

static void write_text(const struct schema *schema, const struct text *text)
{
	schema->write(schema->context, text->bytes, text->length);
}

static void write_string(const struct schema *schema, const char *string)
{
	schema->write(schema->context, string, strlen(string));
}

/* "a rule" → "rule", "\"when\"" → "when", "header edits" → "header-edits". */
static void add_name(struct text *text, const struct grammar *grammar)
{
	const char *what = grammar->what;

	what += strncmp(what, "the ", 4) == 0 ? 4 : 0;
	what += strncmp(what, "an ", 3) == 0 ? 3 : 0;
	what += strncmp(what, "a ", 2) == 0 ? 2 : 0;
	for (; *what; what++) {
		if (isalnum((unsigned char)*what))
			text_add_char(text, *what);
		else if (*what == ' ')
			text_add_char(text, '-');
	}
}

static void add_reference(struct text *text, const struct grammar *grammar)
{
	text_add(text, "{\"$ref\":\"#/$defs/");
	add_name(text, grammar);
	text_add(text, "\"}");
}

static void add_words(struct text *text, const char *const *words)
{
	text_add(text, "{\"enum\":[");
	for (size_t i = 0; words[i]; i++) {
		text_add(text, i ? "," : "");
		text_add_json(text, words[i]);
	}
	text_add(text, "]}");
}

static void add_choice(struct text *text, const char *type)
{
	text_addf(text, "{\"type\":\"%s\"}", type);
}

static void add_named(struct text *text, const struct grammar *grammar)
{
	text_add(text, "{\"type\":\"object\",\"additionalProperties\":");
	if (grammar)
		add_reference(text, grammar);
	else
		text_add(text, "{\"type\":[\"string\",\"number\",\"boolean\",\"array\"]}");
	text_add(text, "}");
}

/* The alternatives for one value, comma separated. */
static void add_forms(struct text *text, const struct keyword *keyword)
{
	const char *comma = "";

	for (unsigned form = FORM_TEXT; form <= FORM_NAMED; form <<= 1) {
		if (!(keyword->forms & form))
			continue;
		text_add(text, comma);
		comma = ",";
		switch (form) {
		case FORM_TEXT:
			if (keyword->words)
				add_words(text, keyword->words);
			else
				add_choice(text, "string");
			break;
		case FORM_NUMBER:
			add_choice(text, "number");
			break;
		case FORM_BOOLEAN:
			add_choice(text, "boolean");
			break;
		case FORM_MAPPING:
			add_reference(text, keyword->grammar);
			break;
		default:
			add_named(text, keyword->grammar);
		}
	}
}

static void write_keyword(const struct schema *schema, const struct keyword *keyword)
{
	char storage[KEY_SCHEMA_SIZE];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_add_json(&text, keyword->word);
	text_add(&text, ":{\"description\":");
	text_add_json(&text, keyword->takes);
	text_add(&text, ",\"anyOf\":[");
	add_forms(&text, keyword);
	if (keyword->forms & FORM_LIST) {
		text_add(&text, ",{\"type\":\"array\",\"items\":{\"anyOf\":[");
		add_forms(&text, keyword);
		text_add(&text, "]}}");
	}
	text_add(&text, keyword->forms & FORM_EMPTY ? ",{\"type\":\"null\"}]}" : "]}");
	write_text(schema, &text);
}

static void write_required(const struct schema *schema, const struct grammar *grammar)
{
	const char *comma = ",\"required\":[\"";
	bool any = false;

	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++) {
		if (!keyword->required)
			continue;
		write_string(schema, comma);
		write_string(schema, keyword->word);
		write_string(schema, "\"");
		comma = ",\"";
		any = true;
	}
	write_string(schema, any ? "]" : "");
}

static void write_grammar(const struct schema *schema, const struct grammar *grammar)
{
	write_string(schema,
		     "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++) {
		write_string(schema, keyword == grammar->keywords ? "\n  " : ",\n  ");
		write_keyword(schema, keyword);
	}
	write_string(schema, "}");
	write_required(schema, grammar);
	write_string(schema, "}");
}

void config_schema(void (*write)(void *context, const char *bytes, size_t length), void *context)
{
	struct schema schema = { .write = write, .context = context };

	collect(&schema, &file_grammar);
	write_string(&schema, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n"
			      "\"title\":\"Headgate policy (headgate.yaml)\",\n\"$defs\":{");
	for (size_t i = 0; i < schema.count; i++) {
		char storage[64];
		struct text name;

		text_begin(&name, storage, sizeof(storage));
		text_add(&name, i ? ",\n\"" : "\n\"");
		add_name(&name, schema.grammars[i]);
		text_add(&name, "\":");
		write_text(&schema, &name);
		write_grammar(&schema, schema.grammars[i]);
	}
	write_string(&schema, "},\n\"$ref\":\"#/$defs/policy\"}\n");
}
