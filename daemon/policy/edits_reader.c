#include "daemon/policy/edits_reader.h"

#include <string.h>
#include <strings.h>

#include "daemon/policy/alternative_reader.h"

/* How a message is framed and routed is the gateway's to say: an edit here would be a smuggling
 * tool. */
static const char *const framing[] = {
	"content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te",
	"trailer",	  "upgrade",	       "expect",
};

static bool is_framing(const char *name)
{
	for (size_t i = 0; i < sizeof(framing) / sizeof(*framing); i++) {
		if (strcasecmp(framing[i], name) == 0)
			return true;
	}
	return false;
}

static bool check_name(struct reading *reading, struct value value)
{
	const char *name = value_text(value);
	char found[FOUND_SIZE];

	if (!name || !alternative_is_field_name(name))
		reading_error(reading, value, "%s is no header name", reading_found(value, found));
	else if (is_framing(name))
		reading_error(
			reading, value,
			"the header \"%s\" belongs to the gateway itself and cannot be edited",
			name);
	else
		return true;
	return false;
}

static bool is_field_value(const char *text)
{
	for (const unsigned char *next = (const unsigned char *)text; *next; next++) {
		if ((*next < ' ' && *next != '\t') || *next == 0x7f)
			return false;
	}
	return *text != ' ' && *text != '\t';
}

static void add(struct reading *reading, struct edits *edits, const struct edit *edit)
{
	struct edit *grown = reading_grow(reading, edits->edits, &edits->count, sizeof(*grown));

	if (!grown)
		return;
	edits->edits = grown;
	grown += edits->count - 1;
	grown->kind = edit->kind;
	grown->name = reading_copy(reading, edit->name);
	grown->value = edit->value ? reading_copy(reading, edit->value) : NULL;
}

static void read_values(struct reading *reading, struct value value, struct edits *edits,
			enum edit_kind kind)
{
	char found[FOUND_SIZE];

	for (size_t i = 0; i < value_count(value); i++) {
		struct value item = value_item(value, i);
		const char *text = value_text(item);
		struct edit edit = { kind, (char *)value_text(value_key(value, i)), (char *)text };

		if (!check_name(reading, value_key(value, i)))
			continue;
		if (!text || !is_field_value(text))
			reading_error(reading, item,
				      "a header's value is one line of text; found %s",
				      reading_found(item, found));
		else
			add(reading, edits, &edit);
	}
}

static void read_set(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	(void)keyword;
	read_values(reading, value, target, EDIT_SET);
}

static void read_add(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	(void)keyword;
	read_values(reading, value, target, EDIT_ADD);
}

bool edits_add_removal(struct reading *reading, struct value value, struct edits *edits)
{
	struct edit edit = { EDIT_REMOVE, (char *)value_text(value), NULL };

	if (!check_name(reading, value))
		return false;
	add(reading, edits, &edit);
	return true;
}

static void read_remove(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	(void)keyword;
	edits_add_removal(reading, value, target);
}

static const struct keyword edits_keywords[] = {
	{ "set", FORM_NAMED, "a mapping of header names to values: each replaces what was there",
	  .read = read_set },
	{ "add", FORM_NAMED, "a mapping of header names to values: each is added",
	  .read = read_add },
	{ "remove", FORM_TEXT | FORM_LIST, "a header name, or a list of them",
	  .read = read_remove },
	{ 0 },
};

const struct grammar edits_grammar = { "header edits", edits_keywords };
