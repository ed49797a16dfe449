#include "daemon/packet/dns.h"

#include <string.h>

#include "daemon/packet/dns_name.h"

enum {
	ADDRESS_RECORD = 12, /* bytes before the address */
	POINTER_TO_QUESTION = 0xc00c,
	ANSWER_SECONDS = 60,
	HEADER = 12,
	FLAGS_ANSWER = 0x8000,
	FLAGS_RECURSION_DESIRED = 0x0100,
	FLAGS_RECURSION_AVAILABLE = 0x0080,
	FLAGS_CHECKING_DISABLED = 0x0010,
	OPT_DNSSEC = 0x8000, /* in the lower half of what is a TTL elsewhere */
	OPT_RECORD = 11,
	OPT_SIZE = 1232,
};

static void read_record(struct reader *reader, struct span whole, struct dns_record *record)
{
	dns_name_read(reader, whole, record->name);
	record->type = reader_u16(reader);
	record->class = reader_u16(reader);
	record->ttl = reader_u32(reader);
	record->data = reader_take(reader, reader_u16(reader));
}

bool dns_each_record(const struct dns_message *message,
		     bool (*each)(const struct dns_record *record, void *context), void *context)
{
	unsigned count = message->counts[0] + message->counts[1] + message->counts[2];
	struct reader reader;

	reader_begin(&reader, message->whole.bytes, message->whole.length);
	reader_take(&reader, message->question_end);
	for (unsigned i = 0; i < count && i < DNS_RECORDS_MAX; i++) {
		struct dns_record record;

		read_record(&reader, message->whole, &record);
		if (reader.failed)
			return false;
		if (each(&record, context))
			return true;
	}
	return !reader.failed;
}

static bool note_options(const struct dns_record *record, void *context)
{
	struct dns_message *message = context;

	if (record->type != DNS_OPT)
		return false;
	message->edns = true;
	message->dnssec = record->ttl & OPT_DNSSEC;
	return true;
}

bool dns_parse(const uint8_t *bytes, size_t length, struct dns_message *message)
{
	struct reader reader;
	uint16_t flags, questions;

	memset(message, 0, sizeof(*message));
	message->whole = (struct span){ bytes, length };
	reader_begin(&reader, bytes, length);
	message->id = reader_u16(&reader);
	flags = reader_u16(&reader);
	message->answer = flags & FLAGS_ANSWER;
	message->operation = flags >> 11 & 15;
	message->result = flags & 15;
	questions = reader_u16(&reader);
	for (unsigned section = 0; section < 3; section++)
		message->counts[section] = reader_u16(&reader);
	if (reader.failed || questions != 1)
		return false;
	dns_name_read(&reader, message->whole, message->name);
	message->type = reader_u16(&reader);
	message->class = reader_u16(&reader);
	if (reader.failed)
		return false;
	message->question_end = (size_t)(reader.next - bytes);
	return dns_each_record(message, note_options, message);
}

bool dns_record_address(const struct dns_record *record, struct address *address)
{
	bool v4 = record->type == DNS_A && record->data.length == 4;
	bool v6 = record->type == DNS_AAAA && record->data.length == 16;

	if (record->class != DNS_CLASS_IN || (!v4 && !v6))
		return false;
	memset(address, 0, sizeof(*address));
	address->family = v4 ? AF_INET : AF_INET6;
	memcpy(address->bytes, record->data.bytes, record->data.length);
	return true;
}

static void put16(uint8_t *place, unsigned value)
{
	place[0] = (uint8_t)(value >> 8);
	place[1] = (uint8_t)value;
}

/* Header and question as asked; the header counts one question and nothing else. */
static void print_head(const struct dns_message *query, unsigned result, uint8_t *out)
{
	unsigned flags = query->whole.bytes[2] << 8 | query->whole.bytes[3];

	memcpy(out, query->whole.bytes, query->question_end);
	flags &= FLAGS_RECURSION_DESIRED | FLAGS_CHECKING_DISABLED;
	put16(out + 2, flags | FLAGS_ANSWER | FLAGS_RECURSION_AVAILABLE | result);
	memset(out + 6, 0, HEADER - 6);
}

/* Where the query has one. Returns its length. */
static size_t print_options(const struct dns_message *query, uint8_t *out, size_t length)
{
	if (!query->edns)
		return 0;
	out[11] = 1;
	memset(out + length, 0, OPT_RECORD);
	put16(out + length + 1, DNS_OPT);
	put16(out + length + 3, OPT_SIZE);
	if (query->dnssec)
		put16(out + length + 7, OPT_DNSSEC);
	return OPT_RECORD;
}

size_t dns_print_nxdomain(const struct dns_message *query, uint8_t *out, size_t size)
{
	size_t length = query->question_end;

	if (length + OPT_RECORD > size)
		return 0;
	print_head(query, DNS_NXDOMAIN, out);
	return length + print_options(query, out, length);
}

static size_t print_address(const struct address *address, uint8_t *out)
{
	unsigned width = address_width(address);

	memset(out, 0, ADDRESS_RECORD);
	put16(out, POINTER_TO_QUESTION);
	put16(out + 2, address->family == AF_INET ? DNS_A : DNS_AAAA);
	put16(out + 4, DNS_CLASS_IN);
	put16(out + 8, ANSWER_SECONDS);
	put16(out + 10, width);
	memcpy(out + ADDRESS_RECORD, address->bytes, width);
	return ADDRESS_RECORD + width;
}

size_t dns_print_addresses(const struct dns_message *query, const struct address *addresses, size_t count,
			   uint8_t *out, size_t size)
{
	size_t length = query->question_end;
	uint16_t answers = 0;

	if (length + count * (ADDRESS_RECORD + 16) + OPT_RECORD > size)
		return 0;
	print_head(query, 0, out);
	for (size_t i = 0; i < count; i++) {
		if (query->type != (addresses[i].family == AF_INET ? DNS_A : DNS_AAAA))
			continue;
		length += print_address(&addresses[i], out + length);
		answers++;
	}
	put16(out + 6, answers);
	return length + print_options(query, out, length);
}
