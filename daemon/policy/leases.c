#include "daemon/policy/leases.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "daemon/policy/device.h"

/* Of one line; what is longer is no lease. */
enum { LINE_SIZE = 1024, WORDS_MAX = 16 };

struct line {
	char bytes[LINE_SIZE];
	size_t count;
	char *words[WORDS_MAX];
};

static void split(struct line *line)
{
	char *rest;

	line->count = 0;
	for (char *word = strtok_r(line->bytes, " \t\r", &rest); word && line->count < WORDS_MAX;
	     word = strtok_r(NULL, " \t\r", &rest))
		line->words[line->count++] = word;
}

static int digit(char character)
{
	if (isdigit((unsigned char)character))
		return character - '0';
	return tolower((unsigned char)character) - 'a' + 10;
}

/* A DUID of the kinds that end in a MAC of Ethernet: with a time (1), or without (3); RFC 8415 section 11. */
static bool mac_of_duid(const char *duid, uint8_t mac[static 6])
{
	bool timed = strncmp(duid, "00010001", 8) == 0 && strlen(duid) == 28;
	bool plain = strncmp(duid, "00030001", 8) == 0 && strlen(duid) == 20;
	const char *tail;

	if ((!timed && !plain) || strspn(duid, "0123456789abcdefABCDEF") != strlen(duid))
		return false;
	tail = duid + strlen(duid) - 12;
	for (size_t i = 0; i < 6; i++)
		mac[i] = (uint8_t)(digit(tail[2 * i]) << 4 | digit(tail[2 * i + 1]));
	return true;
}

/* "1700000000 02:00:00:00:00:10 192.0.2.10 tv 01:02:…", and for IPv6 "1700000000 42 2001:db8::10 tv DUID". */
static void read_dnsmasq(const struct line *line, const char *host, lease_visit *visit,
			 void *context)
{
	struct address address;
	uint8_t mac[6];

	if (line->count < 4 || strcasecmp(line->words[3], host) != 0 ||
	    address_parse(&address, line->words[2]) < 0)
		return;
	visit(context, mac_parse(mac, line->words[1]) == 0 ? mac : NULL, &address);
}

/* "# br-lan DUID IAID tv 1700000000 10 128 2001:db8::10/128 …" */
static void read_odhcpd(const struct line *line, const char *host, lease_visit *visit,
			void *context)
{
	uint8_t mac[6];

	if (line->count < 8 || strcasecmp(line->words[4], host) != 0)
		return;
	if (mac_of_duid(line->words[2], mac))
		visit(context, mac, NULL);
	for (size_t i = 8; i < line->count; i++) {
		struct address address;

		line->words[i][strcspn(line->words[i], "/")] = 0;
		if (address_parse(&address, line->words[i]) == 0)
			visit(context, NULL, &address);
	}
}

void leases_find(struct span leases, const char *host, lease_visit *visit, void *context)
{
	const uint8_t *end = leases.bytes + leases.length;
	struct line line;

	for (const uint8_t *next = leases.bytes; next < end;) {
		const uint8_t *newline = memchr(next, '\n', (size_t)(end - next));
		size_t length = (size_t)((newline ? newline : end) - next);

		if (length < LINE_SIZE && !memchr(next, 0, length)) {
			memcpy(line.bytes, next, length);
			line.bytes[length] = 0;
			split(&line);
			if (line.count && strcmp(line.words[0], "#") == 0)
				read_odhcpd(&line, host, visit, context);
			else
				read_dnsmasq(&line, host, visit, context);
		}
		next += length + (newline != NULL);
	}
}
