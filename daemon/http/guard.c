#include "daemon/http/guard.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "daemon/name.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, STATUS_FIRST = 100, STATUS_LAST = 999 };

/* RFC 9110 section 5.6.2. */
static const bool token_bytes[256] = {
	['!'] = true,	      ['#' ... '\''] = true, ['*'] = true, ['+'] = true,	   ['-'] = true,
	['.'] = true,	      ['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['^' ... 'z'] = true,
	['|'] = true,	      ['~'] = true,
};

static bool is_token(const char *text, size_t length)
{
	if (!length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!token_bytes[(unsigned char)text[i]])
			return false;
	return true;
}

/* RFC 9110 section 5.5: anything but control bytes; the length counts, so a NUL inside is found. */
static const bool control_bytes[256] = {
	[0 ... '\t' - 1] = true,
	['\t' + 1 ... ' ' - 1] = true,
	[0x7f] = true,
};

static bool is_value(const char *text, size_t length)
{
	bool wrong = false;

	for (size_t i = 0; i < length; i++)
		wrong |= control_bytes[(unsigned char)text[i]];
	return !wrong;
}

static bool fields_valid(const struct head *head)
{
	for (size_t i = 0; i < head->field_count; i++) {
		const struct field *field = &head->fields[i];

		if (!is_token(head->text + field->name, field->name_length) ||
		    !is_value(head->text + field->value, field->value_length))
			return false;
	}
	return true;
}

/* Digits and nothing else, below 2^63: no sign, no list, no white space. */
static bool parse_length(const char *text, uint64_t *length)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*length = value;
	return value <= INT64_MAX;
}

/* How the message says its body is framed; what is said twice or differently is refused. */
static bool set_body(struct head *head, const char **detail)
{
	const char *encoding = head_find(head, "transfer-encoding", 0);
	const char *length = head_find(head, "content-length", 0);

	head->body = BODY_NONE;
	head->length_said = length != NULL;
	if (encoding && length) {
		*detail = "Transfer-Encoding beside Content-Length";
	} else if (encoding && head->version != HTTP_1_1) {
		*detail = "Transfer-Encoding outside HTTP/1.1";
	} else if (encoding && (head_find(head, "transfer-encoding", 1) ||
				strcasecmp(encoding, "chunked") != 0)) {
		*detail = "Transfer-Encoding is not exactly chunked";
	} else if (length && (head_find(head, "content-length", 1) ||
			      !parse_length(length, &head->content_length))) {
		*detail = "Content-Length is not one number";
	} else {
		if (encoding || head->version == HTTP_2)
			head->body = BODY_STREAM;
		if (length)
			head->body = BODY_LENGTH;
		return true;
	}
	return false;
}

static bool wants_to_stay(const struct head *head)
{
	if (head_has_token(head, "connection", "close"))
		return false;
	return head->version != HTTP_1_0 || head_has_token(head, "connection", "keep-alive");
}

static bool same_authority(const struct head *head, const char *host, uint16_t port,
			   uint16_t scheme_port)
{
	return strcmp(head->host, host) == 0 &&
	       (head->port ? head->port : scheme_port) == (port ? port : scheme_port);
}

static bool set_authority(struct head *head, const char *authority, size_t length)
{
	head->authority = (uint32_t)(authority - head->text);
	return name_authority(authority, length, head->host, &head->port);
}

/* With HTTP/2 :authority is the name; a Host beside it must say the same (RFC 9113 section 8.3.1). */
static bool take_pseudo_authority(struct head *head, const char **detail)
{
	const char *authority = head_text(head, head->authority);
	const char *host = head_find(head, "host", 0);

	*detail = ":authority is not a name, or not what Host says";
	if (host && (head_find(head, "host", 1) || strcasecmp(host, authority) != 0))
		return false;
	return set_authority(head, authority, strlen(authority));
}

static bool take_host(struct head *head, const char **detail)
{
	const char *host = head_find(head, "host", 0);

	if (head->version == HTTP_2 && head->authority)
		return take_pseudo_authority(head, detail);
	*detail = "Host is missing, repeated or not a name";
	if (!host)
		return head->version == HTTP_1_0;
	if (head_find(head, "host", 1))
		return false;
	return set_authority(head, host, strlen(host));
}

/* HTTP/1.0 may leave Host out; then the absolute form's authority stands for it. */
static bool adopt_authority(struct head *head, const char *authority, size_t length)
{
	uint32_t copy = head_add_text(head, authority, length);

	return copy && set_authority(head, head->text + copy, length);
}

/* "http://host:port/path?query" becomes authority and path; the authority must be Host's. */
static bool take_absolute(struct head *head, const char **detail)
{
	const char *target = head->text + head->path;
	bool secure = strncasecmp(target, "https://", 8) == 0;
	size_t scheme = secure ? 8 : 7;
	const char *authority = target + scheme;
	size_t length = strcspn(authority, "/?#");
	uint32_t rest = head->path + (uint32_t)(scheme + length);
	char host[NAME_SIZE];
	uint16_t port;

	*detail = "the target's authority is not Host's";
	if (!name_authority(authority, length, host, &port))
		return false;
	if (!head->authority && !adopt_authority(head, authority, length))
		return false;
	if (!same_authority(head, host, port, secure ? HTTPS_PORT : HTTP_PORT))
		return false;
	head->path = rest;
	if (head->text[rest] == '?') {
		head->query = rest + 1;
		head->path = head_add_text(head, "/", 1);
	} else if (!head->text[rest]) {
		head->path = head_add_text(head, "/", 1);
	}
	return head->path != 0;
}

static bool split_query(struct head *head)
{
	char *path = head->text + head->path;
	char *mark = strchr(path, '?');

	if (mark && !head->query) {
		*mark = '\0';
		head->query = (uint32_t)(mark + 1 - head->text);
	}
	return path[0] == '/';
}

static bool is_absolute(const char *target)
{
	return strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0;
}

/* RFC 9112 section 3.2: origin form, absolute form, or "*" for OPTIONS alone. */
static bool take_target(struct head *head, const char **detail)
{
	const char *target = head_text(head, head->path);

	*detail = "the request target cannot be read";
	for (const char *byte = target; *byte; byte++)
		if (*byte <= ' ' || *byte > '~' || *byte == '#')
			return false;
	if (is_absolute(target) && head->version != HTTP_2)
		return take_absolute(head, detail) && split_query(head);
	if (strcmp(target, "*") == 0)
		return strcmp(head_text(head, head->method), "OPTIONS") == 0;
	return split_query(head);
}

/* An HTTP/2 message that ended with its head has no body; one that says how long it is says so. */
static bool set_ended_body(struct head *head, const char **detail)
{
	*detail = "Content-Length without the body";
	if (!head->ended)
		return true;
	if (head->length_said && head->content_length)
		return false;
	if (!head->length_said)
		head->body = BODY_NONE;
	return true;
}

/* CONNECT asks for a tunnel past the judge; only a WebSocket's is carried (RFC 8441). */
static bool method_carried(const struct head *head)
{
	const char *protocol = head_text(head, head->protocol);
	bool connect = strcmp(head_text(head, head->method), "CONNECT") == 0;

	return head->protocol ? connect && strcmp(protocol, "websocket") == 0 : !connect;
}

static void set_wishes(struct head *head)
{
	bool bodyless =
		head->body == BODY_NONE || (head->body == BODY_LENGTH && head->content_length == 0);

	head->keep_alive = wants_to_stay(head);
	/* With a body nobody could say where the other protocol begins. */
	head->upgrade = head->protocol ||
			(head->version == HTTP_1_1 && bodyless && head_find(head, "upgrade", 0) &&
			 head_has_token(head, "connection", "upgrade"));
	head->expect_continue = head->version != HTTP_1_0 && !bodyless &&
				head_has_token(head, "expect", "100-continue");
}

enum reason guard_request(struct head *head, const char **detail)
{
	const char *method = head_text(head, head->method);

	*detail = "a field or the method has a byte that does not belong there";
	if (!is_token(method, strlen(method)) || !fields_valid(head))
		return REASON_REQUEST_MALFORMED;
	*detail = "CONNECT is not carried";
	if (!method_carried(head))
		return REASON_METHOD_REFUSED;
	*detail = "the request target is too long";
	if (strlen(head_text(head, head->path)) > TARGET_MAX)
		return REASON_REQUEST_TOO_LARGE;
	if (!take_host(head, detail) || !take_target(head, detail) || !set_body(head, detail) ||
	    !set_ended_body(head, detail))
		return REASON_REQUEST_MALFORMED;
	set_wishes(head);
	*detail = NULL;
	return REASON_NONE;
}

static bool bodyless_response(unsigned status, const char *method)
{
	return status / 100 == 1 || status == 204 || status == 304 || strcmp(method, "HEAD") == 0;
}

/* To HTTP/1 it must be said that there is nothing. */
static bool set_ended_response(struct head *head, const char **detail)
{
	if (!set_ended_body(head, detail))
		return false;
	if (head->ended)
		head->body = BODY_LENGTH;
	return true;
}

enum reason guard_response(struct head *head, const char *method, const char **detail)
{
	const char *phrase = head_text(head, head->phrase);

	*detail = "a field or the status line has a byte that does not belong there";
	if (!is_value(phrase, strlen(phrase)) || !fields_valid(head))
		return REASON_RESPONSE_MALFORMED;
	*detail = "there is no such status";
	if (head->status < STATUS_FIRST || head->status > STATUS_LAST)
		return REASON_RESPONSE_MALFORMED;
	if (!set_body(head, detail))
		return REASON_RESPONSE_MALFORMED;
	if (bodyless_response(head->status, method))
		head->body = BODY_NONE;
	else if (!set_ended_response(head, detail))
		return REASON_RESPONSE_MALFORMED;
	else if (head->body == BODY_NONE)
		head->body = BODY_UNTIL_CLOSE;
	head->keep_alive = wants_to_stay(head) && head->body != BODY_UNTIL_CLOSE;
	head->upgrade = head->status == 101;
	*detail = NULL;
	return REASON_NONE;
}

/* Trailer fields: those that frame, route or authenticate are not carried (RFC 9110 section 6.5.1).
 * True when the field may pass. */
static bool passes_trailer(const char *name)
{
	static const char *const refused[] = {
		"age",
		"authorization",
		"cache-control",
		"connection",
		"content-encoding",
		"content-length",
		"content-range",
		"content-type",
		"cookie",
		"date",
		"expect",
		"expires",
		"host",
		"http2-settings",
		"keep-alive",
		"location",
		"max-forwards",
		"pragma",
		"range",
		"retry-after",
		"set-cookie",
		"te",
		"trailer",
		"transfer-encoding",
		"upgrade",
		"vary",
		"warning",
		"www-authenticate",
	};

	if (strncasecmp(name, "proxy-", 6) == 0 || strncasecmp(name, "if-", 3) == 0)
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (strcasecmp(name, refused[i]) == 0)
			return false;
	return true;
}

bool guard_trailers(struct head *trailers)
{
	size_t kept = 0;

	if (!fields_valid(trailers))
		return false;
	for (size_t i = 0; i < trailers->field_count; i++)
		if (passes_trailer(trailers->text + trailers->fields[i].name))
			trailers->fields[kept++] = trailers->fields[i];
	trailers->field_count = kept;
	return true;
}
