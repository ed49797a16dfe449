#include "daemon/through/socks5.h"

#include <string.h>

#include "daemon/reader.h"
#include "daemon/text.h"

enum {
	SOCKS_VERSION = 5,
	CREDENTIALS_VERSION = 1,
	CONNECT = 1,
	ASSOCIATE = 3,
	NO_METHOD = 0xff,
	TYPE_IPV4 = 1,
	TYPE_NAME = 3,
	TYPE_IPV6 = 4,
};

static void add_byte(struct text *text, unsigned byte)
{
	text_add_char(text, (char)byte);
}

static void add_port(struct text *text, uint16_t port)
{
	add_byte(text, port >> 8);
	add_byte(text, port & 0xff);
}

static void add_word(struct text *text, const char *word)
{
	size_t length = strnlen(word, SOCKS5_WORD_MAX);

	add_byte(text, (unsigned)length);
	text_add_bytes(text, word, length);
}

static struct proxy_answer more(void)
{
	return (struct proxy_answer){ .said = PROXY_MORE };
}

static struct proxy_answer broken(const char *detail)
{
	return (struct proxy_answer){ .said = PROXY_BROKEN, .detail = detail };
}

static struct proxy_answer no(enum reason reason, const char *detail)
{
	return (struct proxy_answer){ .said = PROXY_NO, .reason = reason, .detail = detail };
}

static struct proxy_answer yes(size_t length)
{
	return (struct proxy_answer){ .said = PROXY_YES, .length = length };
}

void socks5_add_greeting(struct text *text, bool credentials)
{
	add_byte(text, SOCKS_VERSION);
	add_byte(text, credentials ? 2 : 1);
	add_byte(text, SOCKS5_FREE);
	if (credentials)
		add_byte(text, SOCKS5_PASSWORD);
}

struct proxy_answer socks5_read_method(const void *bytes, size_t length, bool credentials,
				       enum socks5_method *method)
{
	struct reader reader;
	uint8_t version, chosen;

	reader_begin(&reader, bytes, length);
	version = reader_u8(&reader);
	chosen = reader_u8(&reader);
	if (length && version != SOCKS_VERSION)
		return broken("it does not speak SOCKS5");
	if (reader.failed)
		return more();
	if (chosen == NO_METHOD)
		return no(REASON_PROXY_CREDENTIALS, credentials ? "it takes no user and password"
								: "it wants a user and a password");
	if (chosen != SOCKS5_FREE && !(chosen == SOCKS5_PASSWORD && credentials))
		return broken("it chose a method that was not offered");
	*method = (enum socks5_method)chosen;
	return yes(2);
}

void socks5_add_credentials(struct text *text, const char *user, const char *password)
{
	add_byte(text, CREDENTIALS_VERSION);
	add_word(text, user);
	add_word(text, password);
}

struct proxy_answer socks5_read_credentials(const void *bytes, size_t length)
{
	struct reader reader;
	uint8_t version, status;

	reader_begin(&reader, bytes, length);
	version = reader_u8(&reader);
	status = reader_u8(&reader);
	/* Some servers answer with the version of SOCKS in place of that of RFC 1929. */
	if (length && version != CREDENTIALS_VERSION && version != SOCKS_VERSION)
		return broken("its answer to user and password is none");
	if (reader.failed)
		return more();
	return status == 0 ? yes(2) : no(REASON_PROXY_CREDENTIALS, "it refused user and password");
}

static void add_destination(struct text *text, const char *name, const struct address *address,
			    uint16_t port)
{
	if (name) {
		add_byte(text, TYPE_NAME);
		add_word(text, name);
	} else {
		add_byte(text, address->family == AF_INET ? TYPE_IPV4 : TYPE_IPV6);
		text_add_bytes(text, address->bytes, address_width(address));
	}
	add_port(text, port);
}

void socks5_add_request(struct text *text, const char *name, const struct address *address,
			uint16_t port)
{
	add_byte(text, SOCKS_VERSION);
	add_byte(text, CONNECT);
	add_byte(text, 0);
	add_destination(text, name, address, port);
}

/* We do not know yet from where we shall send. */
void socks5_add_associate(struct text *text, sa_family_t family)
{
	const struct address anywhere = { .family = family };

	add_byte(text, SOCKS_VERSION);
	add_byte(text, ASSOCIATE);
	add_byte(text, 0);
	add_destination(text, NULL, &anywhere, 0);
}

/* RFC 1928 section 6. */
static struct proxy_answer refusal(uint8_t code)
{
	switch (code) {
	case 2:
		return no(REASON_PROXY_REFUSED, "its rules do not allow it");
	case 3:
		return no(REASON_CONNECT_UNREACHABLE, "the proxy has no way to the network");
	case 4:
		return no(REASON_CONNECT_UNREACHABLE, "the proxy has no way to the host");
	case 5:
		return no(REASON_CONNECT_REFUSED, "refused, says the proxy");
	case 6:
		return no(REASON_CONNECT_UNREACHABLE, "the way from the proxy is too long");
	case 7:
		return no(REASON_PROXY_REFUSED, "it does not make connections");
	case 8:
		return no(REASON_PROXY_REFUSED, "it does not take this kind of address");
	default:
		return no(REASON_PROXY_REFUSED, "it failed");
	}
}

/* False when the type of address is none. */
static bool read_destination(struct reader *reader, struct address *address)
{
	uint8_t type = reader_u8(reader);
	struct span bytes = { NULL, 0 };

	*address = (struct address){ .family = AF_UNSPEC };
	if (type == TYPE_NAME)
		reader_take(reader, reader_u8(reader));
	else if (type == TYPE_IPV4 || type == TYPE_IPV6)
		bytes = reader_take(reader, type == TYPE_IPV4 ? 4 : 16);
	else if (!reader->failed)
		return false;
	if (bytes.length) {
		address->family = type == TYPE_IPV4 ? AF_INET : AF_INET6;
		memcpy(address->bytes, bytes.bytes, bytes.length);
	}
	address->port = reader_u16(reader);
	return true;
}

struct proxy_answer socks5_read_reply(const void *bytes, size_t length, struct address *bound)
{
	struct reader reader;
	uint8_t version, code;

	reader_begin(&reader, bytes, length);
	version = reader_u8(&reader);
	code = reader_u8(&reader);
	if (length && version != SOCKS_VERSION)
		return broken("it does not speak SOCKS5");
	/* Who says no may close before the address, which means nothing then. */
	if (!reader.failed && code != 0)
		return refusal(code);
	reader_u8(&reader);
	if (!read_destination(&reader, bound))
		return broken("its answer holds no address");
	if (reader.failed)
		return more();
	return yes(length - reader_left(&reader));
}

void socks5_add_datagram_head(struct text *text, const char *name, const struct address *address,
			      uint16_t port)
{
	text_add_bytes(text, "\0\0\0", 3);
	add_destination(text, name, address, port);
}

bool socks5_read_datagram(struct span datagram, struct address *from, struct span *payload)
{
	struct reader reader;
	uint8_t fragment;

	reader_begin(&reader, datagram.bytes, datagram.length);
	reader_u16(&reader);
	fragment = reader_u8(&reader);
	if (!read_destination(&reader, from) || reader.failed || fragment != 0)
		return false;
	*payload = reader_take(&reader, reader_left(&reader));
	return true;
}
