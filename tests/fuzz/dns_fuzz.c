// link: daemon/packet/dns.c daemon/packet/dns_name.c daemon/packet/dns_strip.c daemon/reader.c daemon/name.c daemon/address.c
#include <stdlib.h>
#include <string.h>

#include "daemon/packet/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t changed[65536];
static uint8_t out[1024];

static void require(int condition)
{
	if (!condition)
		abort();
}

static bool check_record(const struct dns_record *record, void *context)
{
	const struct dns_message *message = context;
	const struct span whole = message->whole;
	struct address address;
	char name[NAME_SIZE];

	if (record->name[0])
		require(name_canonical(record->name, strlen(record->name), name) &&
			!strcmp(name, record->name));
	if (record->data.length)
		require(record->data.bytes >= whole.bytes &&
			record->data.bytes + record->data.length <= whole.bytes + whole.length);
	dns_record_address(record, &address);
	return false;
}

static void check_nxdomain(const struct dns_message *message)
{
	struct dns_message answer;
	size_t length = dns_print_nxdomain(message, out, sizeof(out));

	require(length && dns_parse(out, length, &answer));
	require(answer.answer && answer.id == message->id && answer.type == message->type &&
		!strcmp(answer.name, message->name) && answer.edns == message->edns);
}

static void check_addresses(const struct dns_message *message)
{
	const struct address addresses[] = { { .family = AF_INET }, { .family = AF_INET6 } };
	struct dns_message answer;
	size_t length = dns_print_addresses(message, addresses, 2, out, sizeof(out));

	require(length && dns_parse(out, length, &answer));
	require(answer.answer && answer.id == message->id && answer.type == message->type);
	require(answer.counts[0] == (answer.type == DNS_A || answer.type == DNS_AAAA));
}

/* A stripped message still reads to its end, and there is nothing left to strip. */
static void check_strip(const struct dns_message *message)
{
	struct dns_message again;
	size_t length = message->whole.length;

	memcpy(changed, message->whole.bytes, length);
	if (dns_strip(changed, length, DNS_STRIP_ECH | DNS_STRIP_H3) != DNS_STRIPPED)
		return;
	require(dns_parse(changed, length, &again));
	require(again.id == message->id && !strcmp(again.name, message->name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message message;

	if (size > sizeof(changed) || !dns_parse(data, size, &message))
		return 0;
	require(message.question_end <= size);
	dns_each_record(&message, check_record, &message);
	check_nxdomain(&message);
	check_addresses(&message);
	check_strip(&message);
	return 0;
}
