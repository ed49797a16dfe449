#include "daemon/http/h1_printer.h"

#include <string.h>

enum { SIZE_LINE = 6 }; /* "ffff\r\n" */

static void print_field(struct text *text, const char *name, const char *value)
{
	text_add(text, name);
	text_add_bytes(text, ": ", 2);
	text_add(text, value);
	text_add_bytes(text, "\r\n", 2);
}

static void print_fields(struct text *text, const struct head *head)
{
	for (size_t i = 0; i < head->field_count; i++) {
		const struct field *field = &head->fields[i];

		text_add_bytes(text, head->text + field->name, field->name_length);
		text_add_bytes(text, ": ", 2);
		text_add_bytes(text, head->text + field->value, field->value_length);
		text_add_bytes(text, "\r\n", 2);
	}
}

static void print_framing(struct text *text, const struct head *head)
{
	if (head->body == BODY_STREAM && head->version != HTTP_1_0) {
		text_add(text, "Transfer-Encoding: chunked\r\n");
	} else if (head->body == BODY_LENGTH) {
		text_add(text, "Content-Length: ");
		text_add_number(text, (int64_t)head->content_length);
		text_add_bytes(text, "\r\n", 2);
	}
}

static void print_connection(struct text *text, const struct head *head)
{
	const char *separator = "Connection: ";
	const struct {
		bool said;
		const char *token;
	} tokens[] = {
		{ !head->keep_alive && (head->version != HTTP_1_0 || head->status), "close" },
		{ head->keep_alive && head->version == HTTP_1_0, "keep-alive" },
		{ head_find(head, "upgrade", 0) != NULL, "Upgrade" },
		{ head_find(head, "te", 0) != NULL, "TE" },
	};

	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		if (!tokens[i].said)
			continue;
		text_add(text, separator);
		text_add(text, tokens[i].token);
		separator = ", ";
	}
	if (separator[0] == ',')
		text_add_bytes(text, "\r\n", 2);
}

void h1_print_request(struct text *text, const struct head *head)
{
	text_add(text, head_text(head, head->method));
	text_add_char(text, ' ');
	text_add(text, head_text(head, head->path));
	if (head->query) {
		text_add_char(text, '?');
		text_add(text, head_text(head, head->query));
	}
	text_add(text, head->version == HTTP_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
	if (head->authority)
		print_field(text, "Host", head_text(head, head->authority));
	print_fields(text, head);
	print_framing(text, head);
	print_connection(text, head);
	text_add_bytes(text, "\r\n", 2);
}

void h1_print_response(struct text *text, const struct head *head)
{
	text_add(text, "HTTP/1.1 ");
	text_add_number(text, head->status);
	text_add_char(text, ' ');
	text_add(text, head_text(head, head->phrase));
	text_add_bytes(text, "\r\n", 2);
	print_fields(text, head);
	print_framing(text, head);
	if (head->status / 100 != 1 || head->status == 101)
		print_connection(text, head);
	text_add_bytes(text, "\r\n", 2);
}

size_t h1_chunk_begin(struct text *text)
{
	size_t mark = text->length;

	text_add_bytes(text, "0000\r\n", SIZE_LINE);
	return mark;
}

/* The room left for the size was for the longest; leading zeros are legal but nobody expects them.
 */
void h1_chunk_end(struct text *text, size_t mark)
{
	char storage[SIZE_LINE + 1];
	struct text line;
	size_t data = mark + SIZE_LINE, length;

	if (text->full)
		return;
	length = text->length - data;
	if (!length) {
		text->length = mark;
		text->bytes[mark] = '\0';
		return;
	}
	text_begin(&line, storage, sizeof(storage));
	text_addf(&line, "%zx\r\n", length);
	memcpy(text->bytes + mark, line.bytes, line.length);
	memmove(text->bytes + mark + line.length, text->bytes + data, length);
	text->length = mark + line.length + length;
	text_add_bytes(text, "\r\n", 2);
}

void h1_print_last_chunk(struct text *text, const struct head *trailers)
{
	text_add_bytes(text, "0\r\n", 3);
	if (trailers)
		print_fields(text, trailers);
	text_add_bytes(text, "\r\n", 2);
}
