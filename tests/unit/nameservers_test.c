// link: daemon/nameservers.c daemon/address.c daemon/name.c
/* resolv.conf and the hosts file as systems write them, and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/nameservers.h"

static struct nameservers found;

static void parse(const char *text)
{
	nameservers_parse(&found, text, strlen(text));
}

static void assert_server(size_t index, const char *expected)
{
	char text[ADDRESS_TEXT];

	assert_true(index < found.count);
	assert_string_equal(address_print_with_port(&found.servers[index], text), expected);
}

static void reads_what_systems_write(void **state)
{
	(void)state;
	parse("# made by somebody\nnameserver 192.0.2.53\nnameserver\t2001:db8::53 # second\n"
	      "search lan.example.  home.example\noptions edns0 ndots:3 trust-ad\n");
	assert_int_equal(found.count, 2);
	assert_server(0, "192.0.2.53:53");
	assert_server(1, "[2001:db8::53]:53");
	assert_int_equal(found.search_count, 2);
	assert_string_equal(found.searches[0], "lan.example");
	assert_int_equal(found.dots, 3);
}

static void the_last_search_counts(void **state)
{
	(void)state;
	parse("search a.example b.example\r\ndomain c.example\r\n");
	assert_int_equal(found.search_count, 1);
	assert_string_equal(found.searches[0], "c.example");
	assert_int_equal(found.dots, 1);
}

static void nothing_useful_is_this_machine(void **state)
{
	(void)state;
	parse("");
	assert_int_equal(found.count, 1);
	assert_server(0, "127.0.0.1:53");
	parse("nameserver nowhere\nnameserver\nnonsense 192.0.2.1\n; nameserver 192.0.2.2\n");
	assert_int_equal(found.count, 1);
	assert_server(0, "127.0.0.1:53");
}

static void too_many_are_left_out(void **state)
{
	(void)state;
	parse("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
	      "nameserver 192.0.2.4\nsearch a b c d e f g h\noptions ndots:999999999999\n");
	assert_int_equal(found.count, NAMESERVERS_MAX);
	assert_int_equal(found.search_count, SEARCHES_MAX);
	assert_int_equal(found.dots, 15);
}

static void hosts_give_all_addresses(void **state)
{
	static const char hosts[] = "127.0.0.1 localhost\n192.0.2.1\tgood.example alias # good\n"
				    "# 192.0.2.9 good.example\n2001:db8::1 Good.Example.\nbad good.example\n";
	struct address addresses[8];
	char text[ADDRESS_TEXT];

	(void)state;
	assert_int_equal(hosts_find(hosts, strlen(hosts), "good.example", addresses, 8), 2);
	assert_string_equal(address_print(&addresses[0], text), "192.0.2.1");
	assert_string_equal(address_print(&addresses[1], text), "2001:db8::1");
	assert_int_equal(hosts_find(hosts, strlen(hosts), "good.example", addresses, 1), 1);
	assert_int_equal(hosts_find(hosts, strlen(hosts), "alias", addresses, 8), 1);
	assert_int_equal(hosts_find(hosts, strlen(hosts), "other.example", addresses, 8), 0);
	assert_int_equal(hosts_find("", 0, "other.example", addresses, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_systems_write),
		cmocka_unit_test(the_last_search_counts),
		cmocka_unit_test(nothing_useful_is_this_machine),
		cmocka_unit_test(too_many_are_left_out),
		cmocka_unit_test(hosts_give_all_addresses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
