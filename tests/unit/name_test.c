// link: daemon/name.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LABEL_63     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void names_become_canonical(void **state)
{
	static const char *const pairs[][2] = {
		{ "example.com", "example.com" },
		{ "EXAMPLE.Com.", "example.com" },
		{ "localhost", "localhost" },
		{ "_dmarc.example.com", "_dmarc.example.com" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "1.example", "1.example" },
		{ "1.2.3.4.example", "1.2.3.4.example" },
		{ "-a-.example", "-a-.example" },
		{ "0xg", "0xg" },
		{ LABEL_63 ".example", LABEL_63 ".example" },
	};
	char name[NAME_SIZE];
	char again[NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_true(name_canonical(pairs[i][0], strlen(pairs[i][0]), name));
		assert_string_equal(name, pairs[i][1]);
		assert_true(name_canonical(name, strlen(name), again));
		assert_string_equal(again, name);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
		{ "", 0 },
		{ ".", 1 },
		{ "..", 2 },
		{ ".a", 2 },
		{ "a..b", 4 },
		{ "a..", 3 },
		{ "a b", 3 },
		{ "a\0b", 3 },
		{ "a.example\0", 10 },
		{ "a\xc3\xa4.example", 11 },
		{ "a:80", 4 },
		{ "a/b", 3 },
		{ "a%2eb", 5 },
		{ "a@b", 3 },
		{ "*.example", 9 },
		{ "192.0.2.1", 9 },
		{ "192.0.2.1.", 10 },
		{ "1.2", 3 },
		{ "2130706433", 10 },
		{ "0x7f.1", 6 },
		{ "a.0x7F", 6 },
		{ "a.0x", 4 },
		{ "::1", 3 },
		{ "[::1]", 5 },
		{ LABEL_63 "x.example", 72 },
	};
	char name[NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		strcpy(name, "left over");
		assert_false(name_canonical(cases[i].bytes, cases[i].length, name));
		assert_string_equal(name, "");
	}
}

static void the_longest_name_has_253_characters(void **state)
{
	char long_name[300];
	char name[NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof long_name; i++)
		long_name[i] = i % 50 == 49 ? '.' : 'a';
	assert_true(name_canonical(long_name, 253, name));
	assert_int_equal(strlen(name), 253);
	assert_false(name_canonical(long_name, 254, name));
	long_name[253] = '.';
	assert_true(name_canonical(long_name, 254, name));
	assert_int_equal(strlen(name), 253);
}

static void authorities_are_split(void **state)
{
	static const struct {
		const char *text;
		const char *host;
		unsigned port;
	} cases[] = {
		{ "example.com", "example.com", 0 },
		{ "Example.COM.:8080", "example.com", 8080 },
		{ "example.com:", "example.com", 0 },
		{ "192.0.2.1:80", "192.0.2.1", 80 },
		{ "192.0.2.1", "192.0.2.1", 0 },
		{ "[2001:DB8::1]:443", "2001:db8::1", 443 },
		{ "[2001:db8:0:0::1]", "2001:db8::1", 0 },
		{ "[::ffff:192.0.2.1]", "192.0.2.1", 0 },
		{ "a:65535", "a", 65535 },
	};
	char host[NAME_SIZE];
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(name_authority(cases[i].text, strlen(cases[i].text), host, &port));
		assert_string_equal(host, cases[i].host);
		assert_int_equal(port, cases[i].port);
	}
}

static void bad_authorities_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":80",
		"a:65536",
		"a:0",
		"a:-1",
		"a:+1",
		"a:80a",
		"a:000080",
		"a:80:80",
		"user@a",
		"u:p@a:80",
		"a/b",
		"2001:db8::1",
		"[192.0.2.1]",
		"[fe80::1%eth0]",
		"[fe80::1%1]",
		"[::1",
		"[::1]a",
		"[::1]:a",
		"[]",
		"a b",
		"a\\b",
		"a#b",
		"a?b",
		"1.2.3",
		"0x7f000001",
		"[::1]443",
	};
	char host[NAME_SIZE];
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		port = 7;
		strcpy(host, "left over");
		assert_false(name_authority(texts[i], strlen(texts[i]), host, &port));
		assert_string_equal(host, "");
		assert_int_equal(port, 0);
	}
	assert_false(name_authority("[::1\0]", 6, host, &port));
	assert_false(name_authority("192.0.2.1\0", 10, host, &port));
}

static void patterns_are_read(void **state)
{
	static const struct {
		const char *text;
		enum name_pattern_kind kind;
		const char *name;
	} good[] = {
		{ "Example.com.", NAME_EXACT, "example.com" },
		{ "*.example.com", NAME_SUBDOMAINS, "example.com" },
		{ ".example.com", NAME_TREE, "example.com" },
		{ ".com", NAME_TREE, "com" },
	};
	static const char *const bad[] = { "",
					   "*",
					   "*.",
					   ".",
					   "*example.com",
					   "*.*.example.com",
					   "..example.com",
					   "a.*.example.com",
					   "*.1.2.3.4" };
	enum name_pattern_kind kind;
	char name[NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(name_pattern_parse(good[i].text, &kind, name));
		assert_int_equal(kind, good[i].kind);
		assert_string_equal(name, good[i].name);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(name_pattern_parse(bad[i], &kind, name));
}

static void patterns_match_at_labels(void **state)
{
	static const struct {
		const char *name;
		bool exact;
		bool subdomains;
		bool tree;
	} cases[] = {
		{ "example.com", true, false, true },	  { "a.example.com", false, true, true },
		{ "b.a.example.com", false, true, true }, { "badexample.com", false, false, false },
		{ "com", false, false, false },		  { "example.org", false, false, false },
		{ "example.com.a", false, false, false }, { "", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(name_matches(cases[i].name, NAME_EXACT, "example.com"),
				 cases[i].exact);
		assert_int_equal(name_matches(cases[i].name, NAME_SUBDOMAINS, "example.com"),
				 cases[i].subdomains);
		assert_int_equal(name_matches(cases[i].name, NAME_TREE, "example.com"),
				 cases[i].tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_canonical),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(the_longest_name_has_253_characters),
		cmocka_unit_test(authorities_are_split),
		cmocka_unit_test(bad_authorities_are_refused),
		cmocka_unit_test(patterns_are_read),
		cmocka_unit_test(patterns_match_at_labels),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
