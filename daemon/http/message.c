#include "daemon/http/message.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { TEXT_FIRST = 1024, FIELDS_FIRST = 16 };

void head_begin(struct head *head, struct allowance *allowance)
{
	memset(head, 0, sizeof(*head));
	head->allowance = allowance;
}

void head_clear(struct head *head)
{
	struct head kept = *head;

	head_begin(head, kept.allowance);
	head->text = kept.text;
	head->text_size = kept.text_size;
	head->fields = kept.fields;
	head->field_size = kept.field_size;
}

void head_end(struct head *head)
{
	allowance_free(head->allowance, head->text);
	allowance_free(head->allowance, head->fields);
	head_begin(head, head->allowance);
}

const char *head_text(const struct head *head, uint32_t offset)
{
	return offset == 0 || offset >= head->text_length ? "" : head->text + offset;
}

static int reserve_text(struct head *head, size_t needed)
{
	size_t size = head->text_size ? head->text_size : TEXT_FIRST;
	char *text;

	if (needed <= head->text_size)
		return 0;
	if (needed > HEAD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	while (size < needed)
		size *= 2;
	text = allowance_grow(head->allowance, head->text, size);
	if (!text)
		return -1;
	head->text = text;
	head->text_size = size;
	return 0;
}

uint32_t head_add_text(struct head *head, const char *bytes, size_t length)
{
	size_t start = head->text_length ? head->text_length : 1;
	bool own = head->text && bytes >= head->text && bytes < head->text + head->text_length;
	size_t inside = own ? (size_t)(bytes - head->text) : 0;

	if (length > HEAD_MAX) {
		errno = EMSGSIZE;
		return 0;
	}
	if (reserve_text(head, start + length + 1) < 0)
		return 0;
	head->text[0] = '\0';
	if (length)
		memcpy(head->text + start, own ? head->text + inside : bytes, length);
	head->text[start + length] = '\0';
	head->text_length = start + length + 1;
	return (uint32_t)start;
}

int head_extend_text(struct head *head, const char *bytes, size_t length)
{
	bool own = head->text && bytes >= head->text && bytes < head->text + head->text_length;
	size_t inside = own ? (size_t)(bytes - head->text) : 0;

	if (length > HEAD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (reserve_text(head, head->text_length + length) < 0)
		return -1;
	memmove(head->text + head->text_length - 1, own ? head->text + inside : bytes, length);
	head->text_length += length;
	head->text[head->text_length - 1] = '\0';
	return 0;
}

int head_link_field(struct head *head, struct field field)
{
	if (head->field_count == FIELDS_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (head->field_count == head->field_size) {
		size_t size = head->field_size ? head->field_size * 2 : FIELDS_FIRST;
		struct field *fields =
			allowance_grow(head->allowance, head->fields, size * sizeof(*fields));

		if (!fields)
			return -1;
		head->fields = fields;
		head->field_size = size;
	}
	head->fields[head->field_count++] = field;
	return 0;
}

int head_add_field(struct head *head, const char *name, size_t name_length, const char *value,
		   size_t value_length)
{
	struct field field = {
		.name_length = (uint32_t)name_length,
		.value_length = (uint32_t)value_length,
	};

	field.name = head_add_text(head, name, name_length);
	if (!field.name)
		return -1;
	field.value = head_add_text(head, value, value_length);
	if (!field.value)
		return -1;
	return head_link_field(head, field);
}

static bool named(const struct head *head, const struct field *field, const char *name,
		  size_t length)
{
	return field->name_length == length &&
	       strncasecmp(head->text + field->name, name, length) == 0;
}

const char *head_find(const struct head *head, const char *name, size_t n)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < head->field_count; i++)
		if (named(head, &head->fields[i], name, length) && n-- == 0)
			return head->text + head->fields[i].value;
	return NULL;
}

size_t head_remove(struct head *head, const char *name)
{
	size_t length = strlen(name), kept = 0, removed;

	for (size_t i = 0; i < head->field_count; i++)
		if (!named(head, &head->fields[i], name, length))
			head->fields[kept++] = head->fields[i];
	removed = head->field_count - kept;
	head->field_count = kept;
	return removed;
}

int head_join_cookies(struct head *head)
{
	const char *part = head_find(head, "cookie", 0);
	uint32_t joined = 0;

	if (!part || !head_find(head, "cookie", 1))
		return 0;
	for (size_t n = 0; (part = head_find(head, "cookie", n)); n++) {
		uint32_t at = (uint32_t)(part - head->text);

		if (!joined)
			joined = head_add_text(head, part, strlen(part));
		else if (head_extend_text(head, "; ", 2) < 0 ||
			 head_extend_text(head, head->text + at, strlen(head->text + at)) < 0)
			return -1;
		if (!joined)
			return -1;
	}
	head_remove(head, "cookie");
	return head_add_field(head, "cookie", 6, head->text + joined,
			      strlen(head->text + joined));
}

bool head_has_token(const struct head *head, const char *name, const char *token)
{
	size_t name_length = strlen(name), token_length = strlen(token), length;
	const char *member;

	for (size_t i = 0; i < head->field_count; i++) {
		const char *list = head->text + head->fields[i].value;

		if (!named(head, &head->fields[i], name, name_length))
			continue;
		while (list_next(&list, &member, &length))
			if (length == token_length && strncasecmp(member, token, length) == 0)
				return true;
	}
	return false;
}

bool field_name_is(const char *name, const char *other)
{
	return strcasecmp(name, other) == 0;
}

bool list_next(const char **list, const char **member, size_t *length)
{
	const char *start = *list + strspn(*list, " \t,");
	const char *end = start + strcspn(start, ",");

	*list = end;
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*member = start;
	*length = (size_t)(end - start);
	return *length > 0;
}
