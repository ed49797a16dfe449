#include "daemon/policy/document.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "daemon/text.h"

enum { BRACKETS_MAX = 4096 };

struct document {
	const char *file;
	yaml_document_t tree;
};

static void place_mark(struct place *place, const yaml_mark_t *mark)
{
	place->line = (unsigned)mark->line + 1;
	place->column = (unsigned)mark->column + 1;
}

/* Before a byte has become a character libyaml has no mark, only an offset. */
static void place_offset(struct place *place, const char *bytes, size_t offset)
{
	place->line = place->column = 1;
	for (size_t i = 0; i < offset; i++) {
		place->column++;
		if (bytes[i] == '\n') {
			place->line++;
			place->column = 1;
		}
	}
}

static const char *hint(const yaml_parser_t *parser)
{
	if (parser->context && strstr(parser->context, "alias"))
		return "; a name that begins with * must stand in quotes";
	if (parser->problem && strstr(parser->problem, "cannot start any token"))
		return "; put a text that begins with such a character in quotes";
	if (parser->problem && strstr(parser->problem, "mapping values are not allowed"))
		return "; is the line before it complete, and indented alike?";
	return "";
}

static bool is_at_tab(const yaml_parser_t *parser, const char *bytes)
{
	return parser->problem && strstr(parser->problem, "cannot start any token") &&
	       bytes[parser->problem_mark.index] == '\t';
}

static void explain(const yaml_parser_t *parser, const char *bytes, struct place *place,
		    struct text *problem)
{
	/* Some of libyaml's ways to run out of memory name no error at all. */
	bool exhausted = parser->error == YAML_MEMORY_ERROR || parser->error == YAML_NO_ERROR;

	errno = exhausted ? ENOMEM : EINVAL;
	if (exhausted) {
		text_add(problem, "out of memory");
		return;
	}
	if (parser->error == YAML_READER_ERROR)
		place_offset(place, bytes, parser->problem_offset);
	else
		place_mark(place, &parser->problem_mark);
	if (is_at_tab(parser, bytes)) {
		text_add(problem, "a tab indents this line; YAML takes spaces");
		return;
	}
	text_add(problem, "this is not YAML: ");
	if (parser->context)
		text_addf(problem, "%s, ", parser->context);
	text_addf(problem, "%s%s", parser->problem ? parser->problem : "it cannot be read",
		  hint(parser));
}

/* Whether nothing follows the first document. */
static bool is_alone(yaml_parser_t *parser, const char *bytes, struct place *place,
		     struct text *problem)
{
	yaml_document_t second;
	bool alone = false;

	if (!yaml_parser_load(parser, &second)) {
		explain(parser, bytes, place, problem);
		return false;
	}
	if (!yaml_document_get_root_node(&second)) {
		alone = true;
	} else {
		place_mark(place, &second.start_mark);
		text_add(problem,
			 "a second document (after ---) begins here; use one file for each");
	}
	yaml_document_delete(&second);
	return alone;
}

/* libyaml's time grows with the square of the depth of [ and {. */
static bool is_too_deep(const char *bytes, size_t length)
{
	size_t open = 0;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '[' || bytes[i] == '{')
			open++;
		else if ((bytes[i] == ']' || bytes[i] == '}') && open > 0)
			open--;
		if (open > BRACKETS_MAX)
			return true;
	}
	return false;
}

struct document *document_new(const char *file, const char *bytes, size_t length,
			      struct place *place, struct text *problem)
{
	struct document *document = calloc(1, sizeof(*document));
	yaml_parser_t parser;

	*place = (struct place){ file, 1, 1 };
	if (is_too_deep(bytes, length)) {
		text_add(problem, "this is nested too deeply");
		free(document);
		errno = EINVAL;
		return NULL;
	}
	if (!document || !yaml_parser_initialize(&parser)) {
		text_add(problem, "out of memory");
		free(document);
		errno = ENOMEM;
		return NULL;
	}
	document->file = file;
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
	if (!yaml_parser_load(&parser, &document->tree)) {
		explain(&parser, bytes, place, problem);
		free(document);
		document = NULL;
	} else if (yaml_document_get_root_node(&document->tree) &&
		   !is_alone(&parser, bytes, place, problem)) {
		document_free(document);
		document = NULL;
	}
	yaml_parser_delete(&parser);
	return document;
}

void document_free(struct document *document)
{
	if (!document)
		return;
	yaml_document_delete(&document->tree);
	free(document);
}

/* libyaml's look-ups take a pointer that is not const, but change nothing. */
static yaml_document_t *tree_of(const struct document *document)
{
	return (yaml_document_t *)(uintptr_t)&document->tree;
}

struct value document_root(const struct document *document)
{
	return (struct value){ document, yaml_document_get_root_node(tree_of(document)) };
}

static bool is_null(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

enum value_kind value_kind(struct value value)
{
	const yaml_node_t *node = value.node;

	if (!node)
		return VALUE_NOTHING;
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return VALUE_LIST;
	case YAML_MAPPING_NODE:
		return VALUE_MAPPING;
	case YAML_SCALAR_NODE:
		return is_null(node) ? VALUE_NOTHING : VALUE_SCALAR;
	default:
		return VALUE_NOTHING;
	}
}

struct place value_place(struct value value)
{
	struct place place = { value.document->file, 1, 1 };

	if (value.node)
		place_mark(&place, &((const yaml_node_t *)value.node)->start_mark);
	return place;
}

const char *value_text(struct value value)
{
	const yaml_node_t *node = value.node;
	const char *text;

	if (value_kind(value) != VALUE_SCALAR)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

size_t value_count(struct value value)
{
	const yaml_node_t *node = value.node;

	if (node && node->type == YAML_SEQUENCE_NODE)
		return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (node && node->type == YAML_MAPPING_NODE)
		return (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	return 0;
}

static struct value at(struct value value, int index)
{
	return (struct value){ value.document,
			       yaml_document_get_node(tree_of(value.document), index) };
}

struct value value_item(struct value value, size_t index)
{
	const yaml_node_t *node = value.node;

	if (node->type == YAML_SEQUENCE_NODE)
		return at(value, node->data.sequence.items.start[index]);
	return at(value, node->data.mapping.pairs.start[index].value);
}

struct value value_key(struct value value, size_t index)
{
	const yaml_node_t *node = value.node;

	return at(value, node->data.mapping.pairs.start[index].key);
}

struct value value_find(struct value mapping, const char *key)
{
	for (size_t i = 0; value_kind(mapping) == VALUE_MAPPING && i < value_count(mapping); i++) {
		const char *text = value_text(value_key(mapping, i));

		if (text && strcmp(text, key) == 0)
			return value_item(mapping, i);
	}
	return (struct value){ mapping.document, NULL };
}
