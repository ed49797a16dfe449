#include "daemon/http/h2_printer.h"

#include <string.h>

#include "daemon/text.h"

static void add(struct h2_printed *printed, const char *name, const char *value)
{
	printed->fields[printed->count++] = (nghttp2_nv){
		.name = (uint8_t *)name,
		.value = (uint8_t *)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
		.flags = NGHTTP2_NV_FLAG_NONE,
	};
}

static void lower(char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] - 'A' + 'a');
}

static bool is(const char *name, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(name, word, length) == 0;
}

/* What a compression table must not hold (RFC 7541 section 7.1.3). */
static bool is_secret(const char *name, size_t length)
{
	return is(name, length, "authorization") || is(name, length, "proxy-authorization");
}

static void add_field(struct h2_printed *printed, char *text, const struct field *field)
{
	char *name = text + field->name;
	size_t length = field->name_length;

	lower(name, length);
	if (is(name, length, "upgrade"))
		return;
	printed->fields[printed->count++] = (nghttp2_nv){
		.name = (uint8_t *)name,
		.value = (uint8_t *)text + field->value,
		.namelen = length,
		.valuelen = field->value_length,
		.flags = is_secret(name, length) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
	};
}

static void add_fields(struct h2_printed *printed, struct head *head)
{
	for (size_t i = 0; i < head->field_count; i++)
		add_field(printed, head->text, &head->fields[i]);
}

static const char *print_number(char storage[static H2_NUMBER_SIZE], uint64_t number)
{
	struct text text;

	text_begin(&text, storage, H2_NUMBER_SIZE);
	text_add_number(&text, (int64_t)number);
	return storage;
}

static void add_length(struct h2_printed *printed, const struct head *head)
{
	if (head->body != BODY_LENGTH || !head->length_said)
		return;
	add(printed, "content-length", print_number(printed->number, head->content_length));
}

static const char *whole_target(struct h2_printed *printed, const struct head *head)
{
	struct text target;

	text_begin(&target, printed->target, sizeof(printed->target));
	text_add(&target, head_text(head, head->path));
	if (head->query) {
		text_add_char(&target, '?');
		text_add(&target, head_text(head, head->query));
	}
	return printed->target;
}

void h2_print_request(struct h2_printed *printed, struct head *head, bool secure)
{
	printed->count = 0;
	add(printed, ":method", head_text(head, head->method));
	add(printed, ":scheme", secure ? "https" : "http");
	if (head->authority)
		add(printed, ":authority", head_text(head, head->authority));
	add(printed, ":path", whole_target(printed, head));
	if (head->protocol)
		add(printed, ":protocol", head_text(head, head->protocol));
	add_length(printed, head);
	add_fields(printed, head);
}

void h2_print_response(struct h2_printed *printed, struct head *head)
{
	printed->count = 0;
	add(printed, ":status", print_number(printed->status, head->status));
	add_length(printed, head);
	add_fields(printed, head);
}

void h2_print_trailers(struct h2_printed *printed, struct head *trailers)
{
	printed->count = 0;
	add_fields(printed, trailers);
}
