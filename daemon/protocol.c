#include "daemon/protocol.h"

#include <string.h>
#include <strings.h>

#include "daemon/limits.h"
#include "daemon/name.h"
#include "daemon/reader.h"

enum fit { FIT_NO, FIT_MORE, FIT_YES };

enum {
	METHOD_MAX = 31,
	BANNER_MAX = 512, /* a greeting that has not named its protocol by then never will */
	EMPTY_LINES_MAX = 8,
};

static const char *const words[PROTOCOL_COUNT] = {
#define PROTOCOL_WORD(name, word) [PROTOCOL_##name] = (word),
	PROTOCOLS(PROTOCOL_WORD)
#undef PROTOCOL_WORD
};

const char *protocol_word(enum protocol protocol)
{
	return words[(unsigned)protocol < PROTOCOL_COUNT ? protocol : PROTOCOL_UNKNOWN];
}

enum protocol protocol_find(const char *word)
{
	unsigned protocol = 0;

	while (protocol < PROTOCOL_COUNT && strcmp(words[protocol], word) != 0)
		protocol++;
	return (enum protocol)protocol;
}

static enum fit begins(struct span bytes, const char *beginning, size_t length)
{
	size_t common = bytes.length < length ? bytes.length : length;

	if (common && memcmp(bytes.bytes, beginning, common) != 0)
		return FIT_NO;
	return common == length ? FIT_YES : FIT_MORE;
}

static enum fit begins_with_word(struct span bytes, const char *word)
{
	size_t length = strlen(word);
	size_t common = bytes.length < length ? bytes.length : length;

	if (common && strncasecmp((const char *)bytes.bytes, word, common) != 0)
		return FIT_NO;
	return common == length ? FIT_YES : FIT_MORE;
}

static enum fit best(enum fit a, enum fit b)
{
	return a > b ? a : b;
}

static enum fit when(bool good)
{
	return good ? FIT_YES : FIT_NO;
}

/* An alert or a change_cipher_spec up front is TLS as well: hello_unwrap() then refuses it. */
static enum fit fit_tls(struct span bytes)
{
	const uint8_t *byte = bytes.bytes;

	if (byte[0] < 0x14 || byte[0] > 0x16 || (bytes.length > 1 && byte[1] != 3))
		return FIT_NO;
	return bytes.length < 3 ? FIT_MORE : when(byte[2] <= 4);
}

static enum fit fit_http2(struct span bytes)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	return begins(bytes, preface, sizeof preface - 1);
}

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
		enum fit word = begins(bytes, methods[i], length);

		if (word == FIT_YES && bytes.length > length)
			fit = best(fit, when(strchr(" \t\r\n", bytes.bytes[length]) &&
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

		if (strncasecmp((const char *)word.bytes, methods[i],
				word.length < length ? word.length : length) == 0)
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
		return when(line.length <= TARGET_MAX && names_version(line));
	return line.length <= TARGET_MAX && may_be_request_line(line) ? FIT_MORE : FIT_NO;
}

static enum fit fit_http(struct span bytes)
{
	/* Half of HTTP/2's preface looks like a request. */
	if (bytes.length > 4 && fit_http2(bytes) != FIT_NO)
		return FIT_NO;
	bytes = skip_empty_lines(bytes);
	if (!bytes.length)
		return FIT_MORE;
	return best(fit_known_method(bytes), fit_request_line(bytes));
}

static enum fit fit_ssh(struct span bytes)
{
	return begins(bytes, "SSH-", 4);
}

static enum fit fit_smtp(struct span bytes)
{
	return best(begins_with_word(bytes, "EHLO "), begins_with_word(bytes, "HELO "));
}

static enum fit fit_bittorrent(struct span bytes)
{
	return begins(bytes,
		      "\x13"
		      "BitTorrent protocol",
		      20);
}

/* RFC 1928 section 3: version, number of methods, methods. SOCKS4: version, CONNECT or BIND. */
static enum fit fit_socks(struct span bytes)
{
	const uint8_t *byte = bytes.bytes;

	if (byte[0] == 4 && bytes.length < 9)
		return bytes.length > 1 && byte[1] != 1 && byte[1] != 2 ? FIT_NO : FIT_MORE;
	if (byte[0] == 4)
		return when((byte[1] == 1 || byte[1] == 2) && (byte[2] || byte[3]));
	if (byte[0] != 5)
		return FIT_NO;
	if (bytes.length < 2 || bytes.length < 2U + byte[1])
		return FIT_MORE;
	return when(byte[1] && bytes.length == 2U + byte[1]);
}

/* TPKT (RFC 1006) around an X.224 connection request. */
static enum fit fit_rdp(struct span bytes)
{
	enum fit fit = begins(bytes, "\x03\x00", 2);

	if (fit != FIT_YES || bytes.length < 6)
		return fit == FIT_NO ? FIT_NO : FIT_MORE;
	return when((bytes.bytes[5] & 0xf0) == 0xe0);
}

/* CONNECT, a remaining length of one to four bytes, then the protocol's name. */
static enum fit fit_mqtt(struct span bytes)
{
	size_t skip = 1;

	if (bytes.bytes[0] != 0x10)
		return FIT_NO;
	while (skip < bytes.length && skip < 4 && bytes.bytes[skip] & 0x80)
		skip++;
	skip++;
	if (skip >= bytes.length)
		return FIT_MORE;
	bytes.bytes += skip;
	bytes.length -= skip;
	return best(begins(bytes, "\0\4MQTT", 6), begins(bytes, "\0\6MQIsdp", 8));
}

/* A length, then protocol 3.0 or one of the three request codes (cancel, TLS, GSSAPI). */
static enum fit fit_postgresql(struct span bytes)
{
	static const uint32_t codes[] = { 0x00030000, 80877102, 80877103, 80877104 };
	struct reader reader;
	uint32_t length;
	uint32_t code;

	if (bytes.length < 8)
		return begins(bytes, "\0\0", 2) == FIT_NO ? FIT_NO : FIT_MORE;
	reader_begin(&reader, bytes.bytes, bytes.length);
	length = reader_u32(&reader);
	code = reader_u32(&reader);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (code == codes[i])
			return when(length >= 8 && length <= 10000);
	return FIT_NO;
}

/* DNS over TCP (RFC 7766): a length, then a query with one question and no answer. */
static enum fit fit_dns(struct span bytes)
{
	struct reader reader;
	uint16_t length;

	reader_begin(&reader, bytes.bytes, bytes.length);
	length = reader_u16(&reader);
	if (reader.failed)
		return FIT_MORE;
	if (length < 17 || length > 1024 || (bytes.length > 4 && bytes.bytes[4] & 0xf8))
		return FIT_NO;
	if (bytes.length < 14)
		return FIT_MORE;
	reader_take(&reader, 4);
	return when(reader_u16(&reader) == 1 && reader_u32(&reader) == 0 &&
		    reader_u16(&reader) <= 2);
}

/* A long header (RFC 9000 section 17.2) of version 1, version 2 or a draft. */
static enum fit fit_quic(struct span bytes)
{
	struct reader reader;
	uint32_t version;

	if ((bytes.bytes[0] & 0xc0) != 0xc0)
		return FIT_NO;
	reader_begin(&reader, bytes.bytes + 1, bytes.length - 1);
	version = reader_u32(&reader);
	if (reader.failed)
		return FIT_MORE;
	return when(version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000);
}

static enum fit fit_imap(struct span bytes)
{
	return best(best(begins_with_word(bytes, "* OK"), begins_with_word(bytes, "* PREAUTH")),
		    begins_with_word(bytes, "* BYE"));
}

static enum fit fit_pop3(struct span bytes)
{
	return begins(bytes, "+OK", 3);
}

/* The greeting packet of protocol 10, or the error that a full server sends in its place. */
static enum fit fit_mysql(struct span bytes)
{
	if ((bytes.length > 2 && bytes.bytes[2]) || (bytes.length > 3 && bytes.bytes[3]))
		return FIT_NO;
	if (bytes.length < 6)
		return FIT_MORE;
	return when(bytes.bytes[0] > 2 &&
		    ((bytes.bytes[4] == 10 && bytes.bytes[5] >= '0' && bytes.bytes[5] <= '9') ||
		     (bytes.bytes[4] == 0xff && bytes.bytes[5] != 0)));
}

static bool has_word(struct span bytes, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= bytes.length; i++)
		if (!strncasecmp((const char *)bytes.bytes + i, word, length))
			return true;
	return false;
}

/* SMTP and FTP both greet with 220; what follows tells them apart. */
static enum fit fit_220(struct span bytes, const char *word)
{
	enum fit fit = begins(bytes, "220", 3);

	if (fit != FIT_YES || bytes.length < 4)
		return fit == FIT_NO ? FIT_NO : FIT_MORE;
	if (bytes.bytes[3] != ' ' && bytes.bytes[3] != '-')
		return FIT_NO;
	if (bytes.length > BANNER_MAX)
		bytes.length = BANNER_MAX;
	if (has_word(bytes, word))
		return FIT_YES;
	return bytes.length < BANNER_MAX && bytes.bytes[bytes.length - 1] != '\n' ? FIT_MORE
										  : FIT_NO;
}

static enum fit fit_smtp_server(struct span bytes)
{
	return fit_220(bytes, "SMTP");
}

static enum fit fit_ftp(struct span bytes)
{
	return fit_220(bytes, "FTP");
}

struct recogniser {
	enum protocol protocol;
	enum fit (*fit)(struct span bytes); /* at least one byte */
};

static const struct recogniser of_client[] = {
	{ PROTOCOL_TLS, fit_tls },
	{ PROTOCOL_HTTP2, fit_http2 },
	{ PROTOCOL_HTTP, fit_http },
	{ PROTOCOL_SSH, fit_ssh },
	{ PROTOCOL_SMTP, fit_smtp },
	{ PROTOCOL_BITTORRENT, fit_bittorrent },
	{ PROTOCOL_RDP, fit_rdp },
	{ PROTOCOL_MQTT, fit_mqtt },
	{ PROTOCOL_POSTGRESQL, fit_postgresql },
	{ PROTOCOL_SOCKS, fit_socks },
	{ PROTOCOL_QUIC, fit_quic },
	{ PROTOCOL_DNS, fit_dns },
	{ PROTOCOL_UNKNOWN, NULL },
};

static const struct recogniser of_server[] = {
	{ PROTOCOL_SSH, fit_ssh },   { PROTOCOL_SMTP, fit_smtp_server },
	{ PROTOCOL_FTP, fit_ftp },   { PROTOCOL_IMAP, fit_imap },
	{ PROTOCOL_POP3, fit_pop3 }, { PROTOCOL_MYSQL, fit_mysql },
	{ PROTOCOL_UNKNOWN, NULL },
};

static enum recognition recognise(const struct recogniser *recogniser, struct span bytes,
				  bool final, enum protocol *protocol)
{
	bool more = !bytes.length;

	*protocol = PROTOCOL_UNKNOWN;
	for (; bytes.length && recogniser->fit; recogniser++) {
		enum fit fit = recogniser->fit(bytes);

		if (fit == FIT_YES) {
			*protocol = recogniser->protocol;
			return RECOGNITION_DONE;
		}
		more |= fit == FIT_MORE;
	}
	return more && !final ? RECOGNITION_MORE : RECOGNITION_DONE;
}

enum recognition protocol_of_client(const uint8_t *bytes, size_t length, bool final,
				    enum protocol *protocol)
{
	return recognise(of_client, (struct span){ bytes, length }, final, protocol);
}

enum recognition protocol_of_server(const uint8_t *bytes, size_t length, bool final,
				    enum protocol *protocol)
{
	return recognise(of_server, (struct span){ bytes, length }, final, protocol);
}

unsigned protocol_candidates(const uint8_t *bytes, size_t length)
{
	const struct span beginning = { bytes, length };
	unsigned candidates = 0;

	for (const struct recogniser *one = of_client; length && one->fit; one++)
		if (one->fit(beginning) == FIT_MORE)
			candidates |= 1u << one->protocol;
	return candidates;
}

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

enum recognition protocol_peek_http(const uint8_t *bytes, size_t length, struct http_peek *peek)
{
	struct head head = { .peek = peek };
	bool complete;

	memset(peek, 0, sizeof *peek);
	complete = peek_head(skip_empty_lines((struct span){ bytes, length }), &head);
	settle_host(&head);
	return complete || length >= HEAD_MAX ? RECOGNITION_DONE : RECOGNITION_MORE;
}
