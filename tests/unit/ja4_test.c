// link: daemon/tls/ja4.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c tests/unit/hellos.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/tls/ja4.h"
#include "tests/unit/hellos.h"

static struct bytes body;

static struct hello read_extensions(const struct bytes *extensions)
{
	struct hello hello;

	bytes_put_hello(&body, extensions);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
	return hello;
}

/* Builds a message from comma separated hexadecimal lists, as fingerprints are published: only the
 * extensions that JA4 looks into get a content. */
static void put_published(const char *ciphers, const char *extensions, const char *signatures)
{
	static struct bytes block;
	static struct bytes list;
	char *next;

	block.length = 0;
	bytes_put_extension(&block, 0x2a2a, "", 0);
	for (next = (char *)extensions; *next; next += *next == ',') {
		unsigned type = (unsigned)strtoul(next, &next, 16);

		list.length = 0;
		if (type == 0) {
			bytes_put_server_name(&block, "a.example", 9);
		} else if (type == 16) {
			bytes_put_extension(&block, type, "\x00\x0c\x02h2\x08http/1.1", 14);
		} else if (type == 43) {
			bytes_put_extension(&block, type, "\x06\x0a\x0a\x03\x04\x03\x03", 7);
		} else if (type == 10) {
			bytes_put_extension(&block, type, "\x00\x04\x3a\x3a\x00\x1d", 6);
		} else if (type == 13) {
			bytes_put_number(&list, (strlen(signatures) + 1) / 5 * 2, 2);
			for (char *pair = (char *)signatures; *pair; pair += *pair == ',')
				bytes_put_number(&list, strtoul(pair, &pair, 16), 2);
			bytes_put_extension(&block, type, list.at, list.length);
		} else {
			bytes_put_extension(&block, type, "", 0);
		}
	}
	body.length = 0;
	bytes_put(&body, (const uint8_t[35]){ 3, 3 }, 35);
	bytes_put_number(&body, (strlen(ciphers) + 1) / 5 * 2 + 2, 2);
	bytes_put_number(&body, 0x8a8a, 2);
	for (next = (char *)ciphers; *next; next += *next == ',')
		bytes_put_number(&body, strtoul(next, &next, 16), 2);
	bytes_put(&body, "\x01\x00", 2);
	bytes_put_number(&body, block.length, 2);
	bytes_put(&body, block.at, block.length);
}

static void published_fingerprints_are_met(void **state)
{
	static const struct {
		const char *ciphers;
		const char *extensions;
		const char *signatures;
		const char *ja4;
	} vectors[] = {
		/* the worked example of FoxIO's JA4.md */
		{ "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
		  "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
		  "0403,0804,0401,0503,0805,0501,0806,0601",
		  "t13d1516h2_8daaf6152771_e5627efa2ab1" },
		/* Chrome 143 as browserleaks.com tells it */
		{ "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
		  "002d,0033,0010,fe0d,0017,44cd,0000,000b,000a,002b,ff01,0023,0012,0005,000d,001b",
		  "0403,0804,0401,0503,0805,0501,0806,0601",
		  "t13d1516h2_8daaf6152771_d8a2da3f94cd" },
		/* a client with TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which counts */
		{ "00ff,1301,1302,1303,c02b,c02c,c02f,c030,cca8,cca9",
		  "0000,0010,0005,000a,000b,000d,0017,0023,002b,002d,0033",
		  "0503,0403,0807,0806,0805,0804,0601,0501,0401",
		  "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3" },
	};
	char ja4[JA4_SIZE];
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		put_published(vectors[i].ciphers, vectors[i].extensions, vectors[i].signatures);
		assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
		assert_string_equal(ja4_print(&hello, 't', ja4), vectors[i].ja4);
	}
	assert_int_equal(ja4_print(&hello, 'q', ja4)[0], 'q');
}

static void the_alpn_part_follows_the_specification(void **state)
{
	static const char *const cases[][2] = {
		{ "h2", "h2" },		{ "http/1.1", "h1" },	      { "q", "qq" },
		{ "\xab", "ab" },	{ "\xab\xcd", "ad" },	      { "\x30\xab", "3b" },
		{ "01\xab\xcd", "3d" }, { "\x30\xab\xcd\x31", "01" }, { "\x0a\x0a", "00" },
	};
	static struct bytes extensions;
	char ja4[JA4_SIZE];
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t length = strlen(cases[i][0]);

		extensions.length = 0;
		bytes_put_number(&extensions, 16, 2);
		bytes_put_number(&extensions, length + 3, 2);
		bytes_put_number(&extensions, length + 1, 2);
		bytes_put_number(&extensions, length, 1);
		bytes_put(&extensions, cases[i][0], length);
		hello = read_extensions(&extensions);
		ja4_print(&hello, 't', ja4);
		assert_memory_equal(ja4, "t12i0301", 8);
		assert_memory_equal(ja4 + 8, cases[i][1], 2);
		assert_string_equal(ja4 + 23, "_000000000000");
	}
}

static void a_fingerprint_of_too_much_is_capped(void **state)
{
	char ja4[JA4_SIZE];
	struct hello hello;

	(void)state;
	body.length = 0;
	bytes_put(&body, (const uint8_t[35]){ 3, 0 }, 35);
	bytes_put_number(&body, 65534, 2);
	for (unsigned i = 0; i < 32767; i++)
		bytes_put_number(&body, 32767 - i, 2);
	bytes_put(&body, "\x01\x00", 2);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
	ja4_print(&hello, 't', ja4);
	assert_memory_equal(ja4, "ts3i990000_", 11);
	assert_string_equal(ja4 + 23, "_000000000000");
	assert_int_equal(strlen(ja4), JA4_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_fingerprints_are_met),
		cmocka_unit_test(the_alpn_part_follows_the_specification),
		cmocka_unit_test(a_fingerprint_of_too_much_is_capped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
