#include "daemon/recognition.h"

#include <string.h>
#include <strings.h>

#include "daemon/fit.h"
#include "daemon/http/beginning.h"
#include "daemon/reader.h"

enum { BANNER_MAX = 512 }; /* a greeting that has not named its protocol by then never will */

/* An alert or a change_cipher_spec up front is TLS as well: hello_unwrap() then refuses it. */
static enum fit fit_tls(struct span bytes)
{
	const uint8_t *byte = bytes.bytes;

	if (byte[0] < 0x14 || byte[0] > 0x16 || (bytes.length > 1 && byte[1] != 3))
		return FIT_NO;
	return bytes.length < 3 ? FIT_MORE : fit_when(byte[2] <= 4);
}

static enum fit fit_http2(struct span bytes)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	return fit_beginning(bytes, preface, sizeof preface - 1);
}

static enum fit fit_http(struct span bytes)
{
	/* Half of HTTP/2's preface looks like a request. */
	if (bytes.length > 4 && fit_http2(bytes) != FIT_NO)
		return FIT_NO;
	return http_fit(bytes);
}

static enum fit fit_ssh(struct span bytes)
{
	return fit_beginning(bytes, "SSH-", 4);
}

static enum fit fit_smtp(struct span bytes)
{
	return fit_best(fit_word(bytes, "EHLO "), fit_word(bytes, "HELO "));
}

static enum fit fit_bittorrent(struct span bytes)
{
	return fit_beginning(bytes,
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
		return fit_when((byte[1] == 1 || byte[1] == 2) && (byte[2] || byte[3]));
	if (byte[0] != 5)
		return FIT_NO;
	if (bytes.length < 2 || bytes.length < 2U + byte[1])
		return FIT_MORE;
	return fit_when(byte[1] && bytes.length == 2U + byte[1]);
}

/* TPKT (RFC 1006) around an X.224 connection request. */
static enum fit fit_rdp(struct span bytes)
{
	enum fit fit = fit_beginning(bytes, "\x03\x00", 2);

	if (fit != FIT_YES || bytes.length < 6)
		return fit == FIT_NO ? FIT_NO : FIT_MORE;
	return fit_when((bytes.bytes[5] & 0xf0) == 0xe0);
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
	return fit_best(fit_beginning(bytes, "\0\4MQTT", 6), fit_beginning(bytes, "\0\6MQIsdp", 8));
}

/* A length, then protocol 3.0 or one of the three request codes (cancel, TLS, GSSAPI). */
static enum fit fit_postgresql(struct span bytes)
{
	static const uint32_t codes[] = { 0x00030000, 80877102, 80877103, 80877104 };
	struct reader reader;
	uint32_t length;
	uint32_t code;

	if (bytes.length < 8)
		return fit_beginning(bytes, "\0\0", 2) == FIT_NO ? FIT_NO : FIT_MORE;
	reader_begin(&reader, bytes.bytes, bytes.length);
	length = reader_u32(&reader);
	code = reader_u32(&reader);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (code == codes[i])
			return fit_when(length >= 8 && length <= 10000);
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
	return fit_when(reader_u16(&reader) == 1 && reader_u32(&reader) == 0 &&
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
	return fit_when(version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000);
}

static enum fit fit_imap(struct span bytes)
{
	return fit_best(fit_best(fit_word(bytes, "* OK"), fit_word(bytes, "* PREAUTH")),
		    fit_word(bytes, "* BYE"));
}

static enum fit fit_pop3(struct span bytes)
{
	return fit_beginning(bytes, "+OK", 3);
}

/* The greeting packet of protocol 10, or the error that a full server sends in its place. */
static enum fit fit_mysql(struct span bytes)
{
	if ((bytes.length > 2 && bytes.bytes[2]) || (bytes.length > 3 && bytes.bytes[3]))
		return FIT_NO;
	if (bytes.length < 6)
		return FIT_MORE;
	return fit_when(bytes.bytes[0] > 2 &&
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
	enum fit fit = fit_beginning(bytes, "220", 3);

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
