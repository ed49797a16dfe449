#include <string.h>

#include "daemon/packet/dns.h"
#include "daemon/packet/dns_name.h"

enum {
	KEY_ALPN = 1,
	KEY_ECH = 5,
	KEY_NOBODY = 65534, /* the last of those for private use (RFC 9460 section 14.3.1) */
	PARAMETER_HEADER = 4,
	GREASE_BYTE = 0x0a, /* RFC 8701 section 3.2: 0x0a 0x0a is a protocol that does not exist */
	AUTHENTIC_BIT = 0x20,
};

struct stripping {
	uint8_t *bytes; /* of the message, where it is changed; NULL: only looked at */
	struct span whole;
	unsigned what;
	bool found;
	bool is_signed;
};

static uint8_t *writable(const struct stripping *stripping, const uint8_t *place)
{
	return stripping->bytes + (place - stripping->whole.bytes);
}

/* "h3", "h3-29" and what else begins so. */
static void strip_alpn(struct stripping *stripping, struct span value)
{
	struct reader names;

	reader_begin(&names, value.bytes, value.length);
	while (reader_left(&names)) {
		struct reader name = reader_vector8(&names);

		if (reader_left(&name) < 2 || memcmp(name.next, "h3", 2) != 0)
			continue;
		stripping->found = true;
		if (stripping->bytes)
			memset(writable(stripping, name.next), GREASE_BYTE, reader_left(&name));
	}
}

/* Keys ascend (RFC 9460 section 2.2): the parameter that nobody knows goes behind all others, which
 * move up into its place. */
static void strip_ech(struct stripping *stripping, const uint8_t *parameter, size_t length,
		      const uint8_t *end)
{
	size_t rest = (size_t)(end - parameter) - length;
	uint8_t *place, *last;

	stripping->found = true;
	if (!stripping->bytes)
		return;
	place = writable(stripping, parameter);
	memmove(place, place + length, rest);
	last = place + rest;
	memset(last, 0, length);
	last[0] = KEY_NOBODY >> 8;
	last[1] = KEY_NOBODY & 0xff;
	last[2] = (uint8_t)((length - PARAMETER_HEADER) >> 8);
	last[3] = (uint8_t)(length - PARAMETER_HEADER);
}

/* RFC 9460 section 2.2: priority, target, parameters. */
static void strip_record(struct stripping *stripping, struct span data)
{
	char target[NAME_SIZE];
	struct reader reader;

	reader_begin(&reader, data.bytes, data.length);
	reader_u16(&reader);
	dns_name_read(&reader, stripping->whole, target);
	while (reader_left(&reader)) {
		const uint8_t *start = reader.next;
		uint16_t key = reader_u16(&reader);
		struct reader value = reader_vector16(&reader);

		if (reader.failed)
			return;
		if (key == KEY_ALPN && stripping->what & DNS_STRIP_H3)
			strip_alpn(stripping, (struct span){ value.next, reader_left(&value) });
		if (key == KEY_ECH && stripping->what & DNS_STRIP_ECH) {
			strip_ech(stripping, start, (size_t)(reader.next - start), reader.end);
			if (stripping->bytes)
				reader.next = start;
		}
	}
}

static bool look(const struct dns_record *record, void *context)
{
	struct stripping *stripping = context;

	if (record->type == DNS_HTTPS || record->type == DNS_SVCB)
		strip_record(stripping, record->data);
	/* The type that a signature covers comes first (RFC 4034 section 3.1). */
	if (record->type == DNS_RRSIG && record->data.length > 2 && record->data.bytes[0] == 0 &&
	    (record->data.bytes[1] == DNS_HTTPS || record->data.bytes[1] == DNS_SVCB))
		stripping->is_signed = true;
	return false;
}

enum dns_stripping dns_strip(uint8_t *bytes, size_t length, unsigned what)
{
	struct stripping stripping = { .whole = { bytes, length }, .what = what };
	struct dns_message message;

	if (!dns_parse(bytes, length, &message) || !dns_each_record(&message, look, &stripping) ||
	    !stripping.found)
		return DNS_UNCHANGED;
	if (stripping.is_signed)
		return DNS_SIGNED;
	stripping.bytes = bytes;
	dns_each_record(&message, look, &stripping);
	bytes[3] &= (uint8_t)~AUTHENTIC_BIT;
	return dns_parse(bytes, length, &message) ? DNS_STRIPPED : DNS_ENTANGLED;
}
