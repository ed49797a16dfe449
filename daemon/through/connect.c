#include "daemon/through/connect.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "daemon/text.h"

enum { CREDENTIALS_MAX = 2 * 255 + 1 };

static void add_target(struct text *text, const char *name, const struct address *address)
{
	char literal[ADDRESS_TEXT];

	if (name)
		text_addf(text, "%s:%u", name, address->port);
	else
		text_add(text, address_print_with_port(address, literal));
}

void connect_add_request(struct text *text, const char *name, const struct address *address,
			 const char *user, const char *password)
{
	char credentials[CREDENTIALS_MAX + 1];
	int length;

	text_add(text, "CONNECT ");
	add_target(text, name, address);
	text_add(text, " HTTP/1.1\r\nHost: ");
	add_target(text, name, address);
	if (user) {
		length = snprintf(credentials, sizeof(credentials), "%s:%s", user, password);
		text_add(text, "\r\nProxy-Authorization: Basic ");
		text_add_base64(text, credentials, (size_t)length);
	}
	text_add(text, "\r\n\r\n");
}

static struct proxy_answer broken(const char *detail)
{
	return (struct proxy_answer){ .said = PROXY_BROKEN, .detail = detail };
}

static struct proxy_answer no(enum reason reason, const char *detail)
{
	return (struct proxy_answer){ .said = PROXY_NO, .reason = reason, .detail = detail };
}

static struct proxy_answer judge(unsigned status, size_t length)
{
	if (status / 100 == 2)
		return (struct proxy_answer){ .said = PROXY_YES, .length = length };
	switch (status) {
	case 407:
		return no(REASON_PROXY_CREDENTIALS, "407 Proxy Authentication Required");
	case 403:
		return no(REASON_PROXY_REFUSED, "403 Forbidden");
	case 405:
	case 501:
		return no(REASON_PROXY_REFUSED, "it does not carry CONNECT");
	case 504:
		return no(REASON_CONNECT_TIMEOUT, "504, says the proxy");
	case 502:
	case 503:
		return no(REASON_CONNECT_UNREACHABLE, "it cannot reach the server");
	default:
		return no(REASON_PROXY_REFUSED, "it answered with another status than 200");
	}
}

/* "HTTP/1.1 200" and whatever follows; 0 for anything else. */
static unsigned read_status(const char *line, size_t length)
{
	if (length < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)line[7]) ||
	    line[8] != ' ')
		return 0;
	for (int i = 9; i < 12; i++)
		if (!isdigit((unsigned char)line[i]))
			return 0;
	if (length > 12 && line[12] != ' ' && line[12] != '\r' && line[12] != '\n')
		return 0;
	return (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
}

/* The length of the head with its empty line; 0 while it has not come. */
static size_t find_end(const char *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i++) {
		if (bytes[i] != '\n')
			continue;
		if (bytes[i + 1] == '\n')
			return i + 2;
		if (i + 2 < length && bytes[i + 1] == '\r' && bytes[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/* One head that begins at bytes: its status and *end, 0 while it is not whole. */
static struct proxy_answer read_head(const char *bytes, size_t length, unsigned *status,
				     size_t *end)
{
	static const char start[] = "HTTP/1.";
	size_t compared = MIN(length, sizeof(start) - 1);

	if (memcmp(bytes, start, compared) != 0)
		return broken("it does not speak HTTP");
	*end = find_end(bytes, length);
	*status = *end ? read_status(bytes, *end) : 0;
	if (*end && *status < 100)
		return broken("its answer has no status");
	return (struct proxy_answer){ .said = *end ? PROXY_YES : PROXY_MORE };
}

struct proxy_answer connect_read_answer(const void *bytes, size_t length)
{
	size_t start = 0, end = 0;
	unsigned status = 0;

	/* Interim answers come before the one that counts (RFC 9110 section 15.2). */
	do {
		struct proxy_answer head;

		start += end;
		head = read_head((const char *)bytes + start, length - start, &status, &end);
		if (head.said == PROXY_MORE && length >= CONNECT_ANSWER_MAX)
			return broken("its answer is too long");
		if (head.said != PROXY_YES)
			return head;
	} while (status < 200);
	return judge(status, start + end);
}
