#include "daemon/http/beginning.h"

#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include "daemon/limits.h"
#include "daemon/name.h"

enum {
	METHOD_MAX = 31,
	EMPTY_LINES_MAX = 8,
};

/* RFC 9112 section 2.2: empty lines before the request line are skipped by servers. */
static struct span skip_empty_lines(struct span bytes)
{
	for (unsigned i = 0; i < 2 * EMPTY_LINES_MAX && bytes.length; i++) {
		if (*bytes.bytes != '\r' && *bytes.bytes != '\n')
			break;
		bytes.bytes++;
		bytes.length--;
	}
	return bytes;
}

static size_t method_length(struct span bytes)
{
	size_t length = 0;

	while (length < bytes.length && length <= METHOD_MAX &&
	       ((bytes.bytes[length] >= 'A' && bytes.bytes[length] <= 'Z') ||
		(length && strchr("-_0123456789", bytes.bytes[length]) && bytes.bytes[length])))
		length++;
	return length;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

static const char *const methods[] = { "GET",	 "POST",  "HEAD",    "PUT",   "OPTIONS",
				       "DELETE", "PATCH", "CONNECT", "TRACE", "PROPFIND" };

/* Whatever stands behind the method: what is wrong with it is for the guard to say. */
static enum fit fit_known_method(struct span bytes)
{
	enum fit fit = FIT_NO;

	for (size_t i = 0; i < sizeof methods / sizeof methods[0] && fit != FIT_YES; i++) {
		size_t length = strlen(methods[i]);
		enum fit word = fit_beginning(bytes, methods[i], length);

		if (word == FIT_YES && bytes.length > length)
			fit = fit_best(fit, fit_when(strchr(" \t\r\n", bytes.bytes[length]) &&
					     bytes.bytes[length]));
		else if (word != FIT_NO)
			fit = FIT_MORE;
	}
	return fit;
}

static bool names_version(struct span line)
{
	for (size_t i = 1; i + 5 <= line.length; i++)
		if (is_blank(line.bytes[i - 1]) &&
		    strncasecmp((const char *)line.bytes + i, "HTTP/", 5) == 0)
			return true;
	return false;
}

/* What could stand in a method, or be meant to. */
static bool is_of_method(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || (byte && strchr("-_()", byte));
}

/* Servers that are lenient about a method's case know no others than these; any other small letters are the
 * beginning of what people and programs say elsewhere, and wait to be answered. */
static bool begins_like_known_method(struct span word)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		size_t length = strlen(methods[i]);

		if (strncasecmp((const char *)word.bytes, methods[i], MIN(word.length, length)) == 0)
			return true;
	}
	return false;
}

/* Half a line: blanks, what could be a method, and then anything that is text. A NUL ends a word for servers that take
 * it for the end of a string. */
static bool may_be_request_line(struct span line)
{
	size_t at = 0, start;

	while (at < line.length && is_blank(line.bytes[at]))
		at++;
	start = at;
	while (at < line.length && is_of_method(line.bytes[at]))
		at++;
	if (at - start > METHOD_MAX || (at < line.length && at == start))
		return false;
	if (at < line.length && line.bytes[at] > ' ')
		return false;
	if (at > start && line.bytes[start] >= 'a' && line.bytes[start] <= 'z' &&
	    !begins_like_known_method((struct span){ line.bytes + start, at - start }))
		return false;
	while (at < line.length && (line.bytes[at] >= ' ' || is_blank(line.bytes[at]) || !line.bytes[at]))
		at++;
	return at == line.length || line.bytes[at] == '\r';
}

/* A line that names HTTP is meant for a server of it, however odd it is: one that takes what others refuse must not
 * be reached past rules that read HTTP. */
static enum fit fit_request_line(struct span bytes)
{
	const uint8_t *line_end = memchr(bytes.bytes, '\n', bytes.length);
	struct span line = { bytes.bytes,
			     line_end ? (size_t)(line_end - bytes.bytes) : bytes.length };

	if (line_end)
		return fit_when(line.length <= TARGET_MAX && names_version(line));
	return line.length <= TARGET_MAX && may_be_request_line(line) ? FIT_MORE : FIT_NO;
}

enum fit http_fit(struct span bytes)
{
	bytes = skip_empty_lines(bytes);
	if (!bytes.length)
		return FIT_MORE;
	return fit_best(fit_known_method(bytes), fit_request_line(bytes));
}

/* Whose it is */

/* Takes one line without its CR LF; false when it is not complete yet. */
static bool take_line(struct span *rest, struct span *line)
{
	const uint8_t *end = rest->length ? memchr(rest->bytes, '\n', rest->length) : NULL;

	if (!end)
		return false;
	line->bytes = rest->bytes;
	line->length = (size_t)(end - rest->bytes);
	rest->bytes = end + 1;
	rest->length -= line->length + 1;
	if (line->length && line->bytes[line->length - 1] == '\r')
		line->length--;
	return true;
}

static struct span trim(struct span value)
{
	while (value.length && (*value.bytes == ' ' || *value.bytes == '\t')) {
		value.bytes++;
		value.length--;
	}
	while (value.length &&
	       (value.bytes[value.length - 1] == ' ' || value.bytes[value.length - 1] == '\t'))
		value.length--;
	return value;
}

/* What has been gathered of one head. A target in absolute form ("GET http://a/ HTTP/1.1") names a
 * host as well and must agree with the Host field: a server may take either. */
struct head {
	struct http_peek *peek;
	char target[NAME_SIZE];
	bool absolute;
	unsigned hosts; /* more than one: none that counts */
};

static void peek_target(struct span target, struct head *head)
{
	const char *start = (const char *)target.bytes;
	const char *scheme_end = memmem(start, target.length, "://", 3);
	size_t skip = scheme_end ? (size_t)(scheme_end + 3 - start) : 0;
	size_t end = skip;
	uint16_t port;

	if (target.length && (start[0] == '/' || start[0] == '*'))
		return;
	while (end < target.length && !strchr(" /?#\\", start[end]))
		end++;
	head->absolute = true;
	name_authority(start + skip, end - skip, head->target, &port);
}

/* An odd one tells nothing, but its Host still says where it is to go. */
static void peek_request_line(struct span line, struct head *head)
{
	size_t method = method_length(line);

	if (!method || method > METHOD_MAX || method == line.length || line.bytes[method] != ' ')
		return;
	memcpy(head->peek->method, line.bytes, method);
	head->peek->method[method] = '\0';
	peek_target((struct span){ line.bytes + method + 1, line.length - method - 1 }, head);
}

/* True for a field that some server could take for Host: "Host :" counts too. */
static bool is_host(struct span line, struct span *value)
{
	const uint8_t *colon = memchr(line.bytes, ':', line.length);
	struct span field;

	if (!colon)
		return false;
	field = trim((struct span){ line.bytes, (size_t)(colon - line.bytes) });
	if (field.length != 4 || strncasecmp((const char *)field.bytes, "host", 4) != 0)
		return false;
	*value = trim((struct span){ colon + 1, line.length - (size_t)(colon + 1 - line.bytes) });
	return true;
}

/* Two Hosts, or one continued on a second line, are as good as none. */
static void peek_field(struct span line, struct head *head)
{
	bool continued = line.bytes[0] == ' ' || line.bytes[0] == '\t';
	struct span value = { 0 };

	if (!continued && !is_host(line, &value))
		return;
	if (continued || ++head->hosts > 1 ||
	    !name_authority(value.bytes, value.length, head->peek->host, &head->peek->port))
		head->hosts = 2;
}

static void settle_host(struct head *head)
{
	struct http_peek *peek = head->peek;

	if (head->absolute && !head->hosts)
		memcpy(peek->host, head->target, sizeof head->target);
	else if (head->absolute && strcmp(peek->host, head->target) != 0)
		head->hosts = 2;
	if (head->hosts > 1) {
		peek->host[0] = '\0';
		peek->port = 0;
	}
}

/* True when the head is complete or never will be. */
static bool peek_head(struct span rest, struct head *head)
{
	struct span line;

	if (!take_line(&rest, &line))
		return false;
	peek_request_line(line, head);
	while (take_line(&rest, &line)) {
		if (!line.length)
			return true;
		peek_field(line, head);
	}
	return false;
}

bool http_peek(const uint8_t *bytes, size_t length, struct http_peek *peek)
{
	struct head head = { .peek = peek };
	bool complete;

	memset(peek, 0, sizeof *peek);
	complete = peek_head(skip_empty_lines((struct span){ bytes, length }), &head);
	settle_host(&head);
	return complete || length >= HEAD_MAX;
}
