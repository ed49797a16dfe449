/* Proxies on the way to an upstream, as the owner writes them: a URL. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/name.h"
#include "daemon/policy/upstream.h"

enum { WORD_MAX = 255 }; /* bytes of a user or a password (RFC 1929) */

static const struct {
	const char *word;
	uint16_t port;
} schemes[] = {
	[THROUGH_NOTHING] = { "nothing", 0 },
	[THROUGH_SOCKS5] = { "socks5", 1080 },
	[THROUGH_HTTP] = { "http", 8080 },
	[THROUGH_HTTPS] = { "https", 443 },
};

const char *through_word(enum through through)
{
	return schemes[through].word;
}

static int digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

/* Undoes %XX. NULL with EINVAL for anything that a proxy could not be told, or with ENOMEM. */
static char *decode(const char *bytes, size_t length)
{
	char *word = malloc(length + 1);
	size_t written = 0;

	for (size_t i = 0; word && i < length; i++) {
		int high, low;

		word[written++] = bytes[i];
		if (bytes[i] != '%')
			continue;
		high = i + 1 < length ? digit(bytes[i + 1]) : -1;
		low = i + 2 < length ? digit(bytes[i + 2]) : -1;
		if (high < 0 || low < 0 || high * 16 + low == 0) {
			written = WORD_MAX + 1;
			break;
		}
		word[written - 1] = (char)(high * 16 + low);
		i += 2;
	}
	if (!word)
		return NULL;
	word[written <= length ? written : length] = '\0';
	if (written <= WORD_MAX)
		return word;
	free(word);
	errno = EINVAL;
	return NULL;
}

static int read_credentials(struct proxy *proxy, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t user = colon ? (size_t)(colon - text) : length;

	proxy->user = decode(text, user);
	proxy->password = colon ? decode(colon + 1, length - user - 1) : strdup("");
	if (!proxy->user || !proxy->password)
		return -1;
	/* In Basic a colon would end the user (RFC 7617 section 2). */
	if (*proxy->user && !strchr(proxy->user, ':'))
		return 0;
	errno = EINVAL;
	return -1;
}

static int read_station(struct proxy *proxy, const char *text)
{
	size_t length = strlen(text);
	char authority[STATION_TEXT];

	/* A URL of a proxy may end in the slash of an empty path. */
	if (length && text[length - 1] == '/')
		length--;
	if (length >= sizeof(authority)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(authority, text, length);
	authority[length] = '\0';
	if (station_parse(&proxy->station, authority) < 0)
		return -1;
	if (proxy->station.host && !proxy->station.port)
		proxy->station.port = schemes[proxy->through].port;
	else if (!proxy->station.host && !proxy->station.address.port)
		proxy->station.address.port = schemes[proxy->through].port;
	return 0;
}

int proxy_parse(struct proxy *proxy, const char *text)
{
	const char *rest = strstr(text, "://");
	const char *at;

	for (unsigned i = THROUGH_SOCKS5; rest && i <= THROUGH_HTTPS; i++)
		if (strlen(schemes[i].word) == (size_t)(rest - text) &&
		    strncmp(schemes[i].word, text, (size_t)(rest - text)) == 0)
			proxy->through = (enum through)i;
	errno = EINVAL;
	if (proxy->through == THROUGH_NOTHING)
		return -1;
	rest += 3;
	at = strrchr(rest, '@');
	if (at && read_credentials(proxy, rest, (size_t)(at - rest)) < 0)
		return -1;
	return read_station(proxy, at ? at + 1 : rest);
}
