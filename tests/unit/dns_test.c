// link: daemon/packet/dns.c daemon/packet/dns_name.c daemon/packet/dns_strip.c daemon/reader.c daemon/name.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/packet/dns.h"
#include "daemon/packet/dns_name.h"

#define QUESTION "\7example\3com\0"
#define HEADER(flags, answers, additionals)                                                        \
	"\x12\x34" flags "\0\1" "\0" answers "\0\0" "\0" additionals
#define HTTPS_RECORD "\xc0\x0c" "\0\x41" "\0\1" "\0\0\1\x2c"

static uint8_t bytes[2048];
static size_t length;
static struct dns_message message;

static bool parse(const char *text, size_t size)
{
	length = size;
	memcpy(bytes, text, size);
	return dns_parse(bytes, length, &message);
}
#define PARSE(text) parse(text, sizeof(text) - 1)

static void test_query(void **state)
{
	(void)state;
	assert_true(PARSE(HEADER("\1\0", "\0", "\1") "\3WwW" QUESTION "\0\1\0\1"
			  "\0\0\x29\4\xd0\0\0\x80\0\0\0"));
	assert_int_equal(message.id, 0x1234);
	assert_false(message.answer);
	assert_string_equal(message.name, "www.example.com");
	assert_int_equal(message.type, DNS_A);
	assert_int_equal(message.class, DNS_CLASS_IN);
	assert_true(message.edns);
	assert_true(message.dnssec);
}

struct found {
	unsigned count;
	uint32_t ttl;
	char name[NAME_SIZE];
	char address[ADDRESS_TEXT];
};

static bool note(const struct dns_record *record, void *context)
{
	struct found *found = context;
	struct address address;

	found->count++;
	if (dns_record_address(record, &address)) {
		address_print(&address, found->address);
		strcpy(found->name, record->name);
		found->ttl = record->ttl;
	}
	return false;
}

static void test_answer(void **state)
{
	struct found found = { 0 };

	(void)state;
	assert_true(PARSE(HEADER("\x81\x80", "\2", "\0") QUESTION "\0\1\0\1"
			  "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3cdn\xc0\x0c"
			  "\xc0\x29\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7"));
	assert_true(message.answer);
	assert_true(dns_each_record(&message, note, &found));
	assert_int_equal(found.count, 2);
	assert_string_equal(found.name, "cdn.example.com");
	assert_string_equal(found.address, "192.0.2.7");
	assert_int_equal(found.ttl, 60);
}

static void test_names_that_are_none(void **state)
{
	static const struct {
		const char *wire;
		size_t length;
		bool well_formed;
	} names[] = {
		{ "\0", 1, true },
		{ "\3a b\0", 5, true },
		{ "\3a.b\0", 5, true },
		{ "\xc0\x0c", 2, false }, /* points at itself */
		{ "\1a\xc0\x01", 4, false }, /* into the header */
		{ "\xc0\xff", 2, false },
		{ "\x40", 1, false },
		{ "\3ab", 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[64];

		memcpy(text, HEADER("\1\0", "\0", "\0"), 12);
		memcpy(text + 12, names[i].wire, names[i].length);
		memcpy(text + 12 + names[i].length, "\0\1\0\1", 4);
		assert_int_equal(parse(text, 16 + names[i].length), names[i].well_formed);
		assert_string_equal(message.name, "");
	}
}

/* Forward pointers and chains of pointers come to an end. */
static void test_pointers(void **state)
{
	uint8_t chain[2000];
	struct reader reader;
	char name[NAME_SIZE];

	(void)state;
	memset(chain, 0, sizeof(chain));
	for (size_t i = 14; i + 1 < sizeof(chain); i += 2) {
		chain[i] = (uint8_t)(0xc0 | (i - 2) >> 8);
		chain[i + 1] = (uint8_t)(i - 2);
	}
	reader_begin(&reader, chain + 100, 2);
	dns_name_read(&reader, (struct span){ chain, sizeof(chain) }, name);
	assert_false(reader.failed);
	assert_int_equal(reader_left(&reader), 0);
	reader_begin(&reader, chain + 1998, 2);
	dns_name_read(&reader, (struct span){ chain, sizeof(chain) }, name);
	assert_true(reader.failed);
}

static void test_nxdomain(void **state)
{
	uint8_t out[600];
	struct dns_message answer;

	(void)state;
	assert_true(PARSE(HEADER("\1\x10", "\0", "\1") QUESTION "\0\1\0\1"
			  "\0\0\x29\4\xd0\0\0\x80\0\0\0"));
	length = dns_print_nxdomain(&message, out, sizeof(out));
	assert_true(dns_parse(out, length, &answer));
	assert_true(answer.answer && answer.edns && answer.dnssec);
	assert_int_equal(answer.id, 0x1234);
	assert_int_equal(answer.result, DNS_NXDOMAIN);
	assert_string_equal(answer.name, "example.com");
	assert_int_equal(dns_print_nxdomain(&message, out, 20), 0);
}

static bool count_addresses(const struct dns_record *record, void *context)
{
	struct address address;

	*(unsigned *)context += dns_record_address(record, &address) && record->ttl == 60 &&
				!strcmp(record->name, "example.com");
	return false;
}

static unsigned addresses_of(const char *type)
{
	static const char wanted[] = HEADER("\1\x10", "\0", "\1") QUESTION "\0\1\0\1"
								    "\0\0\x29\4\xd0\0\0\x80\0\0\0";
	uint8_t query[sizeof(wanted)], out[600];
	struct address addresses[3];
	struct dns_message answer;
	unsigned count = 0;

	memcpy(query, wanted, sizeof(query));
	memcpy(query + 12 + 13, type, 2);
	address_parse(&addresses[0], "192.0.2.1");
	address_parse(&addresses[1], "192.0.2.2");
	address_parse(&addresses[2], "2001:db8::1");
	assert_true(dns_parse(query, sizeof(query) - 1, &message));
	length = dns_print_addresses(&message, addresses, 3, out, sizeof(out));
	assert_true(dns_parse(out, length, &answer));
	assert_true(answer.answer && answer.edns && answer.result == 0);
	assert_true(dns_each_record(&answer, count_addresses, &count));
	assert_int_equal(answer.counts[0], count);
	assert_int_equal(dns_print_addresses(&message, addresses, 3, out, 60), 0);
	return count;
}

static void test_addresses(void **state)
{
	(void)state;
	assert_int_equal(addresses_of("\0\1"), 2);
	assert_int_equal(addresses_of("\0\x1c"), 1);
	assert_int_equal(addresses_of("\0\x41"), 0);
}

/* priority 1, target ".", alpn h3,h2, ipv4hint, ech, ipv6hint-like key 7 */
#define SERVICE "\0\1\0" "\0\1\0\6\2h3\2h2" "\0\4\0\4\xc0\0\2\1" "\0\5\0\6secret" "\0\7\0\2/q"

static void test_strip(void **state)
{
	static const char wanted[] = "\0\1\0"
				     "\0\1\0\6\2\x0a\x0a\2h2"
				     "\0\4\0\4\xc0\0\2\1"
				     "\0\7\0\2/q"
				     "\xff\xfe\0\6\0\0\0\0\0\0";

	(void)state;
	assert_int_equal(sizeof(SERVICE) - 1, sizeof(wanted) - 1);
	assert_true(PARSE(HEADER("\x81\xa0", "\1", "\0") QUESTION "\0\x41\0\1"
			  HTTPS_RECORD "\0\x25" SERVICE));
	assert_int_equal(dns_strip(bytes, length, DNS_STRIP_ECH | DNS_STRIP_H3), DNS_STRIPPED);
	assert_memory_equal(bytes + length - sizeof(wanted) + 1, wanted, sizeof(wanted) - 1);
	assert_int_equal(bytes[3] & 0x20, 0);
	assert_int_equal(dns_strip(bytes, length, DNS_STRIP_ECH | DNS_STRIP_H3), DNS_UNCHANGED);
}

static void test_strip_one_of_them(void **state)
{
	(void)state;
	assert_true(PARSE(HEADER("\x81\xa0", "\1", "\0") QUESTION "\0\x41\0\1"
			  HTTPS_RECORD "\0\x25" SERVICE));
	assert_int_equal(dns_strip(bytes, length, DNS_STRIP_ECH), DNS_STRIPPED);
	assert_null(memmem(bytes, length, "secret", 6));
	assert_non_null(memmem(bytes, length, "\2h3", 3));
}

static void test_signed_answers_stay(void **state)
{
	static const char text[] = HEADER("\x81\xa0", "\2", "\0") QUESTION "\0\x41\0\1"
				   HTTPS_RECORD "\0\x25" SERVICE
				   "\xc0\x0c\0\x2e\0\1\0\0\0\x3c\0\4\0\x41\x0d\2";

	(void)state;
	assert_true(PARSE(text));
	assert_int_equal(dns_strip(bytes, length, DNS_STRIP_ECH), DNS_SIGNED);
	assert_memory_equal(bytes, text, length);
}

static void test_malformed(void **state)
{
	static const char whole[] = HEADER("\x81\x80", "\1", "\0") QUESTION "\0\1\0\1"
				    "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7";

	(void)state;
	for (size_t i = 0; i < sizeof(whole) - 1; i++)
		assert_false(parse(whole, i));
	assert_true(PARSE(whole));
	assert_false(PARSE("\x12\x34\1\0\0\2\0\0\0\0\0\0" QUESTION "\0\1\0\1" QUESTION "\0\1\0\1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_nxdomain),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_strip_one_of_them),
		cmocka_unit_test(test_signed_answers_stay),
		cmocka_unit_test(test_malformed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
