#include "daemon/journal/member.h"

void member_add(struct text *text, const char *name)
{
	bool first = text->length && text->bytes[text->length - 1] == '{';

	text_add(text, first ? "\"" : ",\"");
	text_add(text, name);
	text_add(text, "\":");
}

void member_add_string(struct text *text, const char *name, const char *value)
{
	member_add(text, name);
	text_add_json(text, value);
}

void member_add_word(struct text *text, const char *name, const char *value)
{
	member_add_string(text, name, value && *value ? value : NULL);
}

void member_add_bool(struct text *text, const char *name, bool value)
{
	member_add(text, name);
	text_add(text, value ? "true" : "false");
}

void member_add_count(struct text *text, const char *name, uint64_t count)
{
	member_add(text, name);
	text_add_number(text, (int64_t)count);
}

void member_add_number(struct text *text, const char *name, int64_t number)
{
	member_add(text, name);
	text_add_number(text, number);
}

void member_add_id(struct text *text, const char *name, uint64_t id)
{
	uint8_t bytes[sizeof(id)];

	for (size_t i = sizeof(bytes); i-- > 0; id >>= 8)
		bytes[i] = (uint8_t)id;
	member_add(text, name);
	text_add_char(text, '"');
	text_add_hex(text, bytes, sizeof(bytes));
	text_add_char(text, '"');
}

/* A count of parts of a unit (a power of ten), not negative, in decimals of the unit. */
static void add_parts(struct text *text, int64_t count, int64_t unit)
{
	text_add_number(text, count / unit);
	text_add_char(text, '.');
	for (int64_t place = unit / 10; place; place /= 10)
		text_add_char(text, (char)('0' + count / place % 10));
}

void member_add_time(struct text *text, const char *name, const struct instant *instant)
{
	member_add(text, name);
	if (instant->wall > 0)
		add_parts(text, instant->wall, 1000000);
	else
		text_add(text, "null");
}

void member_add_duration(struct text *text, const char *name, int64_t microseconds)
{
	member_add(text, name);
	if (microseconds >= 0)
		add_parts(text, microseconds, 1000);
	else
		text_add(text, "null");
}

void member_add_error(struct text *text, const char *name, enum reason reason, const char *detail)
{
	member_add(text, name);
	if (reason == REASON_NONE) {
		text_add(text, "null");
		return;
	}
	text_add_char(text, '{');
	member_add_string(text, "reason", reason_word(reason));
	member_add_string(text, "kind", reason_kind(reason));
	member_add_string(text, "sentence", reason_sentence(reason));
	member_add_string(text, "detail", detail);
	text_add_char(text, '}');
}
