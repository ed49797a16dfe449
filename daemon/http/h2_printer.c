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

static void lower(char *name)
{
	for (; *name; name++)
		if (*name >= 'A' && *name <= 'Z')
			*name = (char)(*name - 'A' + 'a');
}

/* What a compression table must not hold (RFC 7541 section 7.1.3). */
static bool is_secret(const char *name)
{
	return strcmp(name, "authorization") == 0 || strcmp(name, "proxy-authorization") == 0;
}

static void add_fields(struct h2_printed *printed, struct head *head)
{
	for (size_t i = 0; i < head->field_count; i++) {
		const struct field *field = &head->fields[i];
		char *name = head->text + field->name;

		lower(name);
		if (strcmp(name, "upgrade") == 0)
			continue;
		add(printed, name, head->text + field->value);
		if (is_secret(name))
			printed->fields[printed->count - 1].flags = NGHTTP2_NV_FLAG_NO_INDEX;
	}
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
