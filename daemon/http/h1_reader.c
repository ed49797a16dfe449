#include "daemon/http/h1_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/guard.h"

enum {
	FRAMING_MAX = 8192,    /* chunk sizes and extensions between two bytes of a body */
	STATUS_COLUMN = 9,     /* "HTTP/1.1 200": the status begins here ... */
	STATUS_END_COLUMN = 12 /* ... and is over here */
};

static struct h1_reader *reader_of(llhttp_t *parser)
{
	return parser->data;
}

static int fail(struct h1_reader *reader, enum h1_failure failure)
{
	if (reader->failure == H1_FINE)
		reader->failure = failure;
	return HPE_USER;
}

static int fail_storage(struct h1_reader *reader)
{
	return fail(reader, errno == ENOMEM ? H1_NO_MEMORY : H1_HEAD_TOO_LARGE);
}

/* The parser gives every piece of text in as many parts as the input has; *offset is 0 before the
 * first. */
static int add_piece(struct h1_reader *reader, uint32_t *offset, const char *bytes, size_t length)
{
	struct head *head = reader->trailers ? reader->trailers : reader->head;

	if (*offset)
		return head_extend_text(head, bytes, length) < 0 ? fail_storage(reader) : 0;
	*offset = head_add_text(head, bytes, length);
	return *offset ? 0 : fail_storage(reader);
}

static int on_method(llhttp_t *parser, const char *bytes, size_t length)
{
	struct h1_reader *reader = reader_of(parser);

	return add_piece(reader, &reader->head->method, bytes, length);
}

static int on_target(llhttp_t *parser, const char *bytes, size_t length)
{
	struct h1_reader *reader = reader_of(parser);
	struct head *head = reader->head;

	size_t before = head->path ? head->text_length - 1 - head->path : 0;

	if (before + length > TARGET_MAX)
		return fail(reader, H1_TARGET_TOO_LONG);
	return add_piece(reader, &head->path, bytes, length);
}

static int on_phrase(llhttp_t *parser, const char *bytes, size_t length)
{
	struct h1_reader *reader = reader_of(parser);

	return add_piece(reader, &reader->head->phrase, bytes, length);
}

static int on_name(llhttp_t *parser, const char *bytes, size_t length)
{
	struct h1_reader *reader = reader_of(parser);

	if (reader->part == H1_IN_TRAILERS && !reader->trailers) {
		reader->trailers = calloc(1, sizeof(*reader->trailers));
		if (reader->trailers)
			head_begin(reader->trailers, reader->head->allowance);
		else
			return fail(reader, H1_NO_MEMORY);
	}
	reader->field.name_length += (uint32_t)length;
	return add_piece(reader, &reader->field.name, bytes, length);
}

static int on_value(llhttp_t *parser, const char *bytes, size_t length)
{
	struct h1_reader *reader = reader_of(parser);

	reader->field.value_length += (uint32_t)length;
	return add_piece(reader, &reader->field.value, bytes, length);
}

/* The parser leaves the white space at the value's end to us. */
static int on_field_complete(llhttp_t *parser)
{
	struct h1_reader *reader = reader_of(parser);
	struct head *head = reader->trailers ? reader->trailers : reader->head;
	struct field *field = &reader->field;
	char *value;

	if (!field->name || (!field->value && add_piece(reader, &field->value, "", 0) != 0))
		return fail(reader, H1_MALFORMED);
	value = head->text + field->value;
	while (field->value_length &&
	       (value[field->value_length - 1] == ' ' || value[field->value_length - 1] == '\t'))
		value[--field->value_length] = '\0';
	if (head_link_field(head, *field) < 0)
		return fail_storage(reader);
	memset(field, 0, sizeof(*field));
	return 0;
}

static bool version_known(const llhttp_t *parser)
{
	return parser->http_major == 1 && parser->http_minor <= 1;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct h1_reader *reader = reader_of(parser);
	unsigned status = parser->status_code;

	if (!version_known(parser))
		return fail(reader, H1_MALFORMED);
	reader->head->version = parser->http_minor ? HTTP_1_1 : HTTP_1_0;
	reader->head->status = status;
	reader->headers_done = true;
	if (parser->type == HTTP_RESPONSE &&
	    (reader->bodyless || status / 100 == 1 || status == 204 || status == 304))
		return 1;
	return HPE_PAUSED;
}

/* The last chunk's size has been read: the trailer section is for the scanner first. */
static int on_chunk_header(llhttp_t *parser)
{
	return parser->content_length == 0 ? HPE_PAUSED : 0;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t length)
{
	struct h1_reader *reader = reader_of(parser);

	if (!length)
		return 0;
	reader->body.bytes = (const uint8_t *)bytes;
	reader->body.length = length;
	return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser)
{
	reader_of(parser)->message_done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
	.on_url = on_target,
	.on_status = on_phrase,
	.on_method = on_method,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
	.on_header_value_complete = on_field_complete,
	.on_chunk_header = on_chunk_header,
};

static void begin(struct h1_reader *reader, llhttp_type_t type, struct head *head)
{
	memset(reader, 0, sizeof(*reader));
	llhttp_init(&reader->parser, type, &callbacks);
	reader->parser.data = reader;
	reader->head = head;
}

void h1_reader_begin_request(struct h1_reader *reader, struct head *head)
{
	begin(reader, HTTP_REQUEST, head);
}

void h1_reader_begin_response(struct h1_reader *reader, struct head *head, const char *method)
{
	begin(reader, HTTP_RESPONSE, head);
	reader->bodyless = strcmp(method, "HEAD") == 0;
}

void h1_reader_end(struct h1_reader *reader)
{
	if (reader->trailers) {
		head_end(reader->trailers);
		free(reader->trailers);
	}
	reader->trailers = NULL;
}

bool h1_reader_untouched(const struct h1_reader *reader)
{
	return reader->part == H1_IN_HEAD && reader->scan.line == 0 &&
	       (reader->scan.column == 0 ||
		(reader->scan.column == 1 && reader->scan.previous == '\r'));
}

/* The parser would take RTSP and ICE for HTTP. */
static bool version_byte(struct h1_scan *scan, char byte)
{
	static const char version[] = "HTTP/1.";
	uint32_t index = scan->version++;

	if (index < sizeof(version) - 1)
		return byte == version[index];
	if (index == sizeof(version) - 1)
		return byte == '0' || byte == '1';
	return byte == '\r' && index == sizeof(version);
}

/* A request line has exactly two spaces and a version we speak. */
static bool request_line_byte(struct h1_scan *scan, char byte)
{
	if (scan->spaces == 2)
		return version_byte(scan, byte);
	if (byte == ' ')
		scan->spaces++;
	return byte != '\t';
}

/* A status line has exactly three digits. */
static bool status_line_byte(const struct h1_scan *scan, char byte)
{
	uint32_t column = scan->column;

	if (column >= STATUS_COLUMN && column < STATUS_END_COLUMN)
		return byte >= '0' && byte <= '9';
	return column != STATUS_END_COLUMN || byte == ' ' || byte == '\r';
}

static bool first_line_byte(const struct h1_reader *reader, struct h1_scan *scan, char byte)
{
	return reader->parser.type == HTTP_REQUEST ? request_line_byte(scan, byte)
						   : status_line_byte(scan, byte);
}

static bool line_ends(const struct h1_reader *reader, struct h1_scan *scan)
{
	bool request = reader->parser.type == HTTP_REQUEST;

	/* RFC 9112 section 2.2: an empty line before a request is skipped. */
	if (scan->column == 2)
		return request;
	if (scan->line++)
		return true;
	return request ? scan->spaces == 2 : scan->column > STATUS_END_COLUMN;
}

/* True when the byte may follow what was scanned; line and column are those of the byte. */
static bool byte_allowed(const struct h1_reader *reader, struct h1_scan *scan, char byte)
{
	if (byte == '\0' || (scan->previous == '\r') != (byte == '\n'))
		return false;
	if (scan->column == 0 && (byte == ' ' || byte == '\t'))
		return false;
	return scan->line || byte == '\n' || first_line_byte(reader, scan, byte);
}

/* Most bytes stand inside a field line, where only control bytes are worth a look. Returns how many
 * may be skipped. */
static size_t skip_plain(struct h1_scan *scan, const uint8_t *bytes, size_t length)
{
	size_t count = 0;

	if (!scan->line || !scan->column || scan->previous == '\r')
		return 0;
	while (count < length && bytes[count] >= ' ')
		count++;
	scan->column += (uint32_t)count;
	if (count)
		scan->previous = (char)bytes[count - 1];
	return count;
}

enum scanned { SCAN_MORE, SCAN_ENDED, SCAN_FAILED };

/* Looks at raw bytes up to the section's empty line; *used receives how many belong to it. */
static enum scanned scan_section(struct h1_reader *reader, const struct span *input, size_t *used)
{
	struct h1_scan *scan = &reader->scan;

	while (*used < input->length) {
		char byte;

		*used += skip_plain(scan, input->bytes + *used, input->length - *used);
		if (*used == input->length)
			break;
		byte = (char)input->bytes[(*used)++];
		if (!byte_allowed(reader, scan, byte))
			return SCAN_FAILED;
		scan->previous = byte;
		scan->column++;
		if (byte != '\n')
			continue;
		if (scan->column == 2 && scan->line)
			return SCAN_ENDED;
		if (!line_ends(reader, scan))
			return SCAN_FAILED;
		scan->column = 0;
	}
	return SCAN_MORE;
}

/* Feeds the parser; moves input past what it took. */
static llhttp_errno_t feed(struct h1_reader *reader, struct span *input, size_t length)
{
	const char *bytes = (const char *)input->bytes;
	llhttp_errno_t error;
	size_t taken = length;

	if (!bytes)
		bytes = "";
	if (reader->parser.error == HPE_PAUSED)
		llhttp_resume(&reader->parser);
	error = llhttp_execute(&reader->parser, bytes, length);
	if (error != HPE_OK)
		taken = (size_t)(llhttp_get_error_pos(&reader->parser) - bytes);
	if (error == HPE_PAUSED_UPGRADE && reader->message_done)
		error = HPE_PAUSED;
	if (error != HPE_OK && error != HPE_PAUSED)
		fail(reader, H1_MALFORMED);
	if (taken > length)
		taken = length;
	input->bytes += taken;
	input->length -= taken;
	return error;
}

static enum h1_event failed(struct h1_reader *reader, enum h1_failure failure)
{
	fail(reader, failure);
	return H1_FAILED;
}

/* Runs the scanner and then the parser over head or trailers: both must see the same end. */
static enum h1_event read_section(struct h1_reader *reader, struct span *input)
{
	struct span section = *input;
	enum scanned scanned;
	size_t used = 0;
	bool *done = reader->part == H1_IN_HEAD ? &reader->headers_done : &reader->message_done;

	scanned = scan_section(reader, input, &used);
	reader->scan.bytes += (uint32_t)used;
	section.length = used;
	input->bytes += used;
	input->length -= used;
	if (scanned == SCAN_FAILED)
		return failed(reader, H1_MALFORMED);
	feed(reader, &section, used);
	if (reader->failure != H1_FINE)
		return H1_FAILED;
	if (reader->scan.bytes > HEAD_MAX)
		return failed(reader, H1_HEAD_TOO_LARGE);
	if (*done != (scanned == SCAN_ENDED) || section.length)
		return failed(reader, H1_MALFORMED);
	return *done ? H1_HEAD : H1_MORE;
}

/* Whether the parser will frame the body as the guard said. */
static bool frames_as_guarded(const struct h1_reader *reader)
{
	const llhttp_t *parser = &reader->parser;
	bool chunked = parser->flags & F_CHUNKED;
	bool other = (parser->flags & F_TRANSFER_ENCODING) && !chunked;
	bool length = parser->flags & F_CONTENT_LENGTH;

	if (reader->message_done)
		return reader->head->body == BODY_NONE;
	switch (reader->head->body) {
	case BODY_NONE:
		return parser->type == HTTP_REQUEST && !chunked && !other && !length;
	case BODY_LENGTH:
		return length && !chunked && !other &&
		       parser->content_length == reader->head->content_length;
	case BODY_STREAM:
		return chunked && !length;
	case BODY_UNTIL_CLOSE:
		return parser->type == HTTP_RESPONSE && !chunked && !other && !length;
	}
	return false;
}

static enum h1_event complete(struct h1_reader *reader)
{
	if (reader->trailers && !guard_trailers(reader->trailers))
		return failed(reader, H1_MALFORMED);
	reader->part = H1_COMPLETE;
	return H1_END;
}

static enum h1_event read_trailers(struct h1_reader *reader, struct span *input)
{
	enum h1_event event = read_section(reader, input);

	return event == H1_HEAD ? complete(reader) : event;
}

static enum h1_event hand_out(struct h1_reader *reader, struct span *body)
{
	*body = reader->body;
	reader->body = (struct span){ NULL, 0 };
	reader->framing = 0;
	return H1_BODY;
}

static enum h1_event read_body(struct h1_reader *reader, struct span *input, struct span *body)
{
	size_t before = input->length;
	llhttp_errno_t error;

	if (reader->message_done)
		return complete(reader);
	error = feed(reader, input, input->length);
	if (reader->failure != H1_FINE)
		return H1_FAILED;
	reader->framing += (uint32_t)(before - input->length);
	if (reader->body.length)
		return hand_out(reader, body);
	if (reader->framing > FRAMING_MAX)
		return failed(reader, H1_MALFORMED);
	if (reader->message_done)
		return complete(reader);
	if (error == HPE_PAUSED && reader->head->body == BODY_STREAM) {
		reader->part = H1_IN_TRAILERS;
		reader->scan = (struct h1_scan){ .line = 1 };
		return read_trailers(reader, input);
	}
	return input->length ? failed(reader, H1_MALFORMED) : H1_MORE;
}

enum h1_event h1_read(struct h1_reader *reader, struct span *input, struct span *body)
{
	if (reader->failure != H1_FINE)
		return H1_FAILED;
	switch (reader->part) {
	case H1_IN_HEAD:
		if (!reader->headers_done)
			return read_section(reader, input);
		if (!frames_as_guarded(reader))
			return failed(reader, H1_MALFORMED);
		reader->part = H1_IN_BODY;
		return read_body(reader, input, body);
	case H1_IN_BODY:
		return read_body(reader, input, body);
	case H1_IN_TRAILERS:
		return read_trailers(reader, input);
	case H1_COMPLETE:
		break;
	}
	return H1_END;
}

enum h1_event h1_read_eof(struct h1_reader *reader)
{
	if (reader->failure != H1_FINE)
		return H1_FAILED;
	if (reader->part == H1_COMPLETE)
		return H1_END;
	if (reader->part == H1_IN_BODY && reader->head->body == BODY_UNTIL_CLOSE) {
		reader->part = H1_COMPLETE;
		return H1_END;
	}
	return failed(reader, H1_CUT_SHORT);
}
