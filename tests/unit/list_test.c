// link: daemon/policy/list.c daemon/policy/list_file.c daemon/lists/names.c daemon/address.c daemon/name.c daemon/text.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/list.h"
#include "daemon/policy/list_file.h"
#include "daemon/policy/source.h"
#include "daemon/text.h"

/* Prints every entry as "line prefix", "line name" or "line bad". */
static bool print_entry(void *context, const struct list_entry *entry)
{
	static const char *const fronts[] = { "", "*.", "." };
	char prefix[PREFIX_TEXT];

	text_addf(context, "%u ", entry->line);
	if (entry->kind == LIST_ENTRY_BAD)
		text_add(context, "bad");
	else if (entry->kind == LIST_ENTRY_PREFIX)
		text_add(context, prefix_print(&entry->prefix, prefix));
	else
		text_addf(context, "%s%s", fronts[entry->name_kind], entry->name);
	text_add(context, "\n");
	return true;
}

static void assert_entries(const char *file, const char *entries)
{
	char storage[2048];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	assert_true(list_file_scan(file, strlen(file), print_entry, &text));
	assert_string_equal(storage, entries);
}

static void every_kind_of_line_is_understood(void **state)
{
	(void)state;
	assert_entries("192.0.2.1\n192.0.2.0/24\r\n2001:db8::/32\n\n  example.com  \n"
		       "*.example.com\n.example.com\nExample.COM.\n192.0.2.77/24\n",
		       "1 192.0.2.1/32\n2 192.0.2.0/24\n3 2001:db8::/32\n5 example.com\n"
		       "6 *.example.com\n7 .example.com\n8 example.com\n9 192.0.2.0/24\n");
}

static void comments_are_left_out(void **state)
{
	(void)state;
	assert_entries("# a\n; b\n// c\n192.0.2.1 # d\n192.0.2.2 ; e\na.example // f\n#192.0.2.9",
		       "4 192.0.2.1/32\n5 192.0.2.2/32\n6 a.example\n");
}

static void ranges_become_prefixes(void **state)
{
	(void)state;
	assert_entries(
		"192.0.2.1-192.0.2.6\n192.0.2.0 - 192.0.2.255\n255.255.255.254-255.255.255.255\n"
		"2001:db8::-2001:db8::1\n192.0.2.9-192.0.2.1\n192.0.2.1-2001:db8::1\n",
		"1 192.0.2.1/32\n1 192.0.2.2/31\n1 192.0.2.4/31\n1 192.0.2.6/32\n"
		"2 192.0.2.0/24\n3 255.255.255.254/31\n4 2001:db8::/127\n5 bad\n6 bad\n");
}

static void hosts_files_name_hosts(void **state)
{
	(void)state;
	assert_entries("127.0.0.1 localhost\n::1 localhost ip6-localhost\n0.0.0.0 0.0.0.0\n"
		       "0.0.0.0 ads.example tracker.example # two\n",
		       "4 ads.example\n4 tracker.example\n");
}

static void other_lines_are_bad(void **state)
{
	(void)state;
	assert_entries("||ads.example^\n192.0.2.300\na b\n0.0.0.0/0\n::/0\n@@x\n1.2.3.4/33\n",
		       "1 bad\n2 bad\n3 bad\n4 bad\n5 bad\n6 bad\n7 bad\n");
}

static struct source source_of(const char *text)
{
	static char name[] = "list.txt";

	return (struct source){ .name = name, .bytes = text, .length = strlen(text) };
}

static bool has_address(const struct list *list, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = 443;
	return list_has_address(list, &address);
}

static void addresses_are_found_by_the_prefix_that_holds_them(void **state)
{
	struct list list = { 0 };
	struct list_reading met = { 0 };
	struct source source = { 0 };

	(void)state;
	source.bytes = "198.51.100.128/25\n192.0.2.0/24\n192.0.2.64/26\n192.0.2.7\n10.0.0.0/8\n"
		       "2001:db8:1::/48\nexample.com\n";
	source.length = strlen(source.bytes);
	assert_int_equal(list_read_addresses(&list, &source, &met), 0);
	list_finish(&list);
	assert_int_equal(met.entries, 6);
	assert_int_equal(met.bad, 1);
	assert_int_equal(met.bad_lines[0], 7);
	assert_int_equal(list.prefix_count, 4);
	assert_true(has_address(&list, "192.0.2.0"));
	assert_true(has_address(&list, "192.0.2.255"));
	assert_true(has_address(&list, "10.255.255.255"));
	assert_true(has_address(&list, "2001:db8:1:ffff::1"));
	assert_false(has_address(&list, "192.0.3.0"));
	assert_false(has_address(&list, "192.0.1.255"));
	assert_false(has_address(&list, "198.51.100.127"));
	assert_false(has_address(&list, "9.255.255.255"));
	assert_false(has_address(&list, "2001:db8:2::"));
	free(list.prefixes);
}

static void explain_finds_the_line(void **state)
{
	struct list *list = calloc(1, sizeof(*list));
	struct source addresses = source_of("# top\n192.0.2.0/24 ; SBL1\n");
	struct source names = source_of("\n.ads.example # all of it\n203.0.113.9\n");
	struct list_reading met = { 0 };
	struct address address;
	char storage[128];
	struct text text;

	(void)state;
	assert_int_equal(list_read_addresses(list, &addresses, &met), 0);
	assert_int_equal(list_read_names(list, &names, &met), 0);
	list_finish(list);
	assert_true(list_has_host(list, "x.ads.example"));
	assert_true(list_has_host(list, "203.0.113.9"));
	assert_false(list_has_host(list, "bads.example"));
	text_begin(&text, storage, sizeof(storage));
	assert_true(list_print_host_entry(list, "x.ads.example", &text));
	assert_string_equal(storage, "list.txt:2: .ads.example # all of it");
	text_begin(&text, storage, sizeof(storage));
	assert_int_equal(address_parse(&address, "192.0.2.9"), 0);
	assert_true(list_print_address_entry(list, &address, &text));
	assert_string_equal(storage, "list.txt:2: 192.0.2.0/24 ; SBL1");
	list_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_line_is_understood),
		cmocka_unit_test(comments_are_left_out),
		cmocka_unit_test(ranges_become_prefixes),
		cmocka_unit_test(hosts_files_name_hosts),
		cmocka_unit_test(other_lines_are_bad),
		cmocka_unit_test(addresses_are_found_by_the_prefix_that_holds_them),
		cmocka_unit_test(explain_finds_the_line),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
