// link: daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(&prefix, text), 0);
	return prefix;
}

static void literals_come_back_as_written(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0", "192.0.2.1",	  "255.255.255.255", "::",
		"::1",	   "2001:db8::1", "fe80::1%3",	     "ff02::fb%4294967295"
	};
	char text[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct address address = address_of(texts[i]);

		assert_string_equal(address_print(&address, text), texts[i]);
		assert_int_equal(address.port, 0);
	}
}

static void a_mapped_address_is_ipv4(void **state)
{
	struct address address = address_of("::ffff:192.0.2.1");
	struct address plain = address_of("192.0.2.1");

	(void)state;
	assert_int_equal(address.family, AF_INET);
	assert_true(address_equal(&address, &plain));
	assert_int_equal(address_compare(&address, &plain), 0);
}

static void what_is_no_literal_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"a",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4:80",
		"[::1]",
		"::1%1",
		"fe80::1%",
		"fe80::1%eth0",
		"fe80::1%0",
		"fe80::1%-1",
		"1.2.3.4%1",
		"fe80::1%4294967296",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
	};
	struct address address = address_of("192.0.2.7");
	struct address before = address;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(address_parse(&address, texts[i]), -1);
	assert_memory_equal(&address, &before, sizeof address);
}

static void ports_are_read_and_printed(void **state)
{
	static const char *const good[] = { "192.0.2.1:443", "[2001:db8::1]:65535", "[::]:0",
					    "[fe80::1%2]:80" };
	static const char *const bad[] = { "192.0.2.1",
					   "192.0.2.1:",
					   "192.0.2.1:65536",
					   "192.0.2.1:+1",
					   "192.0.2.1: 1",
					   "2001:db8::1:80",
					   "[192.0.2.1]:80",
					   "[2001:db8::1]",
					   ":80",
					   "[]:80",
					   "[::1:80",
					   "::1]:80",
					   "host:80",
					   "[",
					   "[:80" };
	struct address address;
	char text[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(address_parse_with_port(&address, good[i]), 0);
		assert_string_equal(address_print_with_port(&address, text), good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(address_parse_with_port(&address, bad[i]), -1);
}

static void the_longest_literal_fits(void **state)
{
	const char *longest = "[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535";
	struct address address;
	char text[ADDRESS_TEXT];

	(void)state;
	assert_int_equal(address_parse_with_port(&address, longest), 0);
	assert_string_equal(address_print_with_port(&address, text), longest);
}

static void unknown_prints_as_a_dash(void **state)
{
	struct address nothing = { 0 };
	struct sockaddr_storage socket_address;
	char text[ADDRESS_TEXT];

	(void)state;
	assert_string_equal(address_print(&nothing, text), "-");
	assert_string_equal(address_print_with_port(&nothing, text), "-");
	assert_int_equal(address_width(&nothing), 0);
	assert_int_equal(address_to_socket(&nothing, AF_UNSPEC, &socket_address), 0);
}

static void order_is_family_bytes_port(void **state)
{
	static const char *const ordered[] = { "1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:1", "[::1]:1",
					       "[::2]:0" };
	struct address a;
	struct address b;

	(void)state;
	for (size_t i = 0; i < COUNT(ordered); i++)
		for (size_t j = 0; j < COUNT(ordered); j++) {
			address_parse_with_port(&a, ordered[i]);
			address_parse_with_port(&b, ordered[j]);
			assert_int_equal(address_compare(&a, &b) < 0, i < j);
			assert_int_equal(address_compare(&a, &b) > 0, i > j);
			assert_int_equal(address_equal(&a, &b), i == j);
		}
}

static void the_port_is_not_the_host(void **state)
{
	struct address a = address_of("192.0.2.1");
	struct address b = a;
	struct address other_link = address_of("fe80::1%2");
	struct address link = address_of("fe80::1%1");

	(void)state;
	b.port = 80;
	assert_true(address_same_host(&a, &b));
	assert_false(address_equal(&a, &b));
	assert_false(address_same_host(&link, &other_link));
}

static void socket_addresses_come_back(void **state)
{
	static const char *const texts[] = { "192.0.2.1:443", "[2001:db8::1]:53", "[fe80::1%7]:1" };
	static const sa_family_t families[] = { AF_UNSPEC, AF_INET6 };
	struct sockaddr_storage storage;
	struct address address;
	struct address back;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t j = 0; j < COUNT(families); j++) {
			address_parse_with_port(&address, texts[i]);
			assert_true(address_to_socket(&address, families[j], &storage) > 0);
			assert_int_equal(address_from_socket(&back, (struct sockaddr *)&storage),
					 0);
			assert_true(address_equal(&address, &back));
		}
}

static void a_dual_stack_socket_gets_a_mapped_address(void **state)
{
	struct address address = address_of("192.0.2.1");
	struct sockaddr_storage storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;

	(void)state;
	assert_int_equal(address_to_socket(&address, AF_INET6, &storage), sizeof *in6);
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_true(IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr));
	assert_int_equal(address_to_socket(&address, AF_UNSPEC, &storage),
			 sizeof(struct sockaddr_in));
}

static void a_foreign_family_is_refused(void **state)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNIX };
	struct address address;

	(void)state;
	assert_int_equal(address_from_socket(&address, (struct sockaddr *)&storage), -1);
}

static void private_space_is_known_to_the_bit(void **state)
{
	static const char *const private[] = {
		"10.0.0.0",   "10.255.255.255", "127.0.0.1",   "100.64.0.0",  "100.127.255.255",
		"172.16.0.0", "172.31.255.255", "169.254.1.1", "192.168.0.1", "::1",
		"fe80::1",    "febf::1",	"fc00::",      "fdff::1",     "::ffff:10.0.0.1",
	};
	static const char *const public[] = {
		"9.255.255.255", "11.0.0.0",	"100.63.255.255", "100.128.0.0", "172.15.255.255",
		"172.32.0.0",	 "169.253.0.1", "192.167.1.1",	  "8.8.8.8",	 "::2",
		"fec0::1",	 "fe7f::1",	"fe00::1",	  "2001:db8::1", "::ffff:8.8.8.8",
	};
	struct address nothing = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(private); i++) {
		struct address address = address_of(private[i]);

		assert_true(address_is_private(&address));
	}
	for (size_t i = 0; i < COUNT(public); i++) {
		struct address address = address_of(public[i]);

		assert_false(address_is_private(&address));
	}
	assert_false(address_is_private(&nothing));
}

static void prefixes_come_back_as_written(void **state)
{
	static const char *const texts[][2] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "::/0", "::/0" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
	};
	char text[PREFIX_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct prefix prefix = prefix_of(texts[i][0]);

		assert_string_equal(prefix_print(&prefix, text), texts[i][1]);
	}
}

static void host_bits_are_told_and_cleared(void **state)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	(void)state;
	assert_int_equal(prefix_parse(&prefix, "192.0.2.129/25"), -2);
	assert_string_equal(prefix_print(&prefix, text), "192.0.2.128/25");
	assert_int_equal(prefix_parse(&prefix, "2001:db8::1/33"), -2);
	assert_string_equal(prefix_print(&prefix, text), "2001:db8::/33");
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const texts[] = {
		"",	      "/24",	    "192.0.2.0/", "192.0.2.0/33", "::/129",  "1.2.3.0/-1",
		"1.2.3.0/ 1", "1.2.3.0/2x", "1.2.3/24",	  "fe80::%1/64",  "host/24", "1.2.3.0/24/1"
	};
	struct prefix prefix;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(prefix_parse(&prefix, texts[i]), -1);
}

static bool contains(const char *prefix_text, const char *address_text)
{
	struct prefix prefix = prefix_of(prefix_text);
	struct address address = address_of(address_text);

	return prefix_contains(&prefix, &address);
}

static void a_prefix_contains_its_own(void **state)
{
	(void)state;
	assert_true(contains("192.0.2.0/24", "192.0.2.255"));
	assert_false(contains("192.0.2.0/24", "192.0.3.0"));
	assert_true(contains("0.0.0.0/0", "255.1.2.3"));
	assert_false(contains("0.0.0.0/0", "::1"));
	assert_true(contains("192.0.2.128/25", "192.0.2.128"));
	assert_false(contains("192.0.2.128/25", "192.0.2.127"));
	assert_true(contains("2001:db8:8000::/33", "2001:db8:ffff::"));
	assert_false(contains("2001:db8:8000::/33", "2001:db8:7fff::"));
	assert_true(contains("192.0.2.1", "::ffff:192.0.2.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_come_back_as_written),
		cmocka_unit_test(a_mapped_address_is_ipv4),
		cmocka_unit_test(what_is_no_literal_is_refused),
		cmocka_unit_test(ports_are_read_and_printed),
		cmocka_unit_test(the_longest_literal_fits),
		cmocka_unit_test(unknown_prints_as_a_dash),
		cmocka_unit_test(order_is_family_bytes_port),
		cmocka_unit_test(the_port_is_not_the_host),
		cmocka_unit_test(socket_addresses_come_back),
		cmocka_unit_test(a_dual_stack_socket_gets_a_mapped_address),
		cmocka_unit_test(a_foreign_family_is_refused),
		cmocka_unit_test(private_space_is_known_to_the_bit),
		cmocka_unit_test(prefixes_come_back_as_written),
		cmocka_unit_test(host_bits_are_told_and_cleared),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(a_prefix_contains_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
