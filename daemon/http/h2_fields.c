#include "daemon/http/h2_fields.h"

#include <errno.h>
#include <string.h>

enum pseudo {
	METHOD = 1 << 0,
	SCHEME = 1 << 1,
	AUTHORITY = 1 << 2,
	PATH = 1 << 3,
	PROTOCOL = 1 << 4,
	STATUS = 1 << 5,
};

enum { STATUS_DIGITS = 3 };

void h2_fields_begin(struct h2_fields *fields, struct head *head, enum h2_section section)
{
	*fields = (struct h2_fields){ .head = head, .section = section };
	head->version = HTTP_2;
}

static void fault(struct h2_fields *fields, const char *detail)
{
	fields->fault = H2_MALFORMED;
	fields->detail = detail;
}

static void fault_storage(struct h2_fields *fields)
{
	fields->fault = errno == ENOMEM ? H2_NO_MEMORY : H2_TOO_LARGE;
}

static bool is(const struct span span, const char *word)
{
	return span.length == strlen(word) && memcmp(span.bytes, word, span.length) == 0;
}

static enum pseudo find_pseudo(const struct h2_fields *fields, struct span name)
{
	if (fields->section == H2_RESPONSE)
		return is(name, ":status") ? STATUS : 0;
	if (fields->section != H2_REQUEST)
		return 0;
	return is(name, ":method")    ? METHOD
	       : is(name, ":scheme")    ? SCHEME
	       : is(name, ":authority") ? AUTHORITY
	       : is(name, ":path")      ? PATH
	       : is(name, ":protocol")  ? PROTOCOL
				        : 0;
}

static void take_status(struct h2_fields *fields, struct span value)
{
	unsigned status = 0;

	for (size_t i = 0; i < value.length; i++) {
		if (value.bytes[i] < '0' || value.bytes[i] > '9')
			break;
		status = status * 10 + (value.bytes[i] - '0');
	}
	if (value.length == STATUS_DIGITS && status >= 100)
		fields->head->status = status;
	else
		fault(fields, ":status is not three digits");
}

static void take_scheme(struct h2_fields *fields, struct span value)
{
	if (!is(value, "https") && !is(value, "http"))
		fault(fields, ":scheme is neither http nor https");
}

static void keep(struct h2_fields *fields, uint32_t *offset, struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.bytes[i] <= ' ' || value.bytes[i] == 0x7f) {
			fault(fields, "a pseudo field has a byte that does not belong there");
			return;
		}
	*offset = head_add_text(fields->head, (const char *)value.bytes, value.length);
	if (!*offset)
		fault_storage(fields);
}

static void take_pseudo(struct h2_fields *fields, struct span name, struct span value)
{
	struct head *head = fields->head;
	enum pseudo pseudo = find_pseudo(fields, name);

	if (!pseudo || fields->regular || fields->seen & pseudo) {
		fault(fields, "a pseudo field is unknown, repeated or late");
		return;
	}
	fields->seen |= pseudo;
	switch (pseudo) {
	case METHOD:
		keep(fields, &head->method, value);
		break;
	case SCHEME:
		take_scheme(fields, value);
		break;
	case AUTHORITY:
		keep(fields, &head->authority, value);
		break;
	case PATH:
		keep(fields, &head->path, value);
		break;
	case PROTOCOL:
		keep(fields, &head->protocol, value);
		break;
	case STATUS:
		take_status(fields, value);
		break;
	}
}

static bool name_is_lower(struct span name)
{
	for (size_t i = 0; i < name.length; i++)
		if (name.bytes[i] >= 'A' && name.bytes[i] <= 'Z')
			return false;
	return name.length > 0;
}

/* RFC 9113 section 8.2.2. */
static bool concerns_hop(struct span name, struct span value)
{
	return is(name, "connection") || is(name, "keep-alive") || is(name, "upgrade") ||
	       is(name, "proxy-connection") || is(name, "transfer-encoding") ||
	       (is(name, "te") && !is(value, "trailers"));
}

/* The white space and control bytes that the guard does not look for: at the ends. */
static bool is_trimmed(struct span value)
{
	const uint8_t *bytes = value.bytes;

	return !value.length || (bytes[0] != ' ' && bytes[0] != '\t' &&
				 bytes[value.length - 1] != ' ' && bytes[value.length - 1] != '\t');
}

static void take_regular(struct h2_fields *fields, struct span name, struct span value)
{
	fields->regular = true;
	if (!name_is_lower(name))
		fault(fields, "a field's name is not in lower case");
	else if (concerns_hop(name, value))
		fault(fields, "a field concerns one connection alone");
	else if (!is_trimmed(value))
		fault(fields, "a field's value begins or ends with white space");
	else if (head_add_field(fields->head, (const char *)name.bytes, name.length,
				(const char *)value.bytes, value.length) < 0)
		fault_storage(fields);
}

void h2_fields_take(struct h2_fields *fields, struct span name, struct span value)
{
	fields->size += name.length + value.length;
	if (fields->fault != H2_FINE)
		return;
	if (name.length && name.bytes[0] == ':')
		take_pseudo(fields, name, value);
	else
		take_regular(fields, name, value);
}

static bool has_all(const struct h2_fields *fields)
{
	const struct head *head = fields->head;
	unsigned wanted = METHOD | SCHEME | PATH;

	switch (fields->section) {
	case H2_RESPONSE:
		return fields->seen == STATUS;
	case H2_TRAILERS:
		return !fields->seen;
	default:
		break;
	}
	/* RFC 9113 section 8.5; with :protocol RFC 8441 section 4. */
	if (strcmp(head_text(head, head->method), "CONNECT") == 0 && !(fields->seen & PROTOCOL))
		return fields->seen == (METHOD | AUTHORITY);
	if (fields->seen & PROTOCOL)
		wanted |= AUTHORITY;
	return (fields->seen & wanted) == wanted && *head_text(head, head->path);
}

enum h2_fault h2_fields_end(struct h2_fields *fields, bool ended)
{
	if (fields->fault == H2_FINE && !has_all(fields))
		fault(fields, "a pseudo field is missing");
	if (fields->fault == H2_FINE && fields->section == H2_TRAILERS && !ended)
		fault(fields, "trailers without an end");
	fields->head->ended = ended;
	return fields->fault;
}
