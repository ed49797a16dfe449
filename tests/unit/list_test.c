// link: daemon/policy/list.c daemon/lists/addresses.c daemon/lists/wide.c daemon/lists/list_read.c daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/reader.c daemon/lists/names.c daemon/address.c daemon/name.c daemon/text.c tests/unit/images.c -lz -lzstd -llzma -lidn2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/list.h"
#include "daemon/policy/source.h"
#include "daemon/text.h"
#include "tests/unit/images.h"

static struct source source_of(const char *text)
{
	static char name[] = "list.txt";

	return (struct source){ .name = name, .bytes = text, .length = strlen(text) };
}

static struct list *list_of_addresses(const struct source *source)
{
	struct list *list = list_new();
	struct list_reading met;
	size_t names;

	assert_int_equal(list_read_addresses(list, source, &met, &names), FORMAT_TAKEN);
	assert_int_equal(list_finish(list), 0);
	return list;
}

static struct list *list_of_names(const struct source *source)
{
	struct list *list = list_new();
	struct list_reading met;

	assert_int_equal(list_read_names(list, source, &met), FORMAT_TAKEN);
	assert_int_equal(list_finish(list), 0);
	return list;
}

static bool has_address(const struct list *list, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = 443;
	return list_has_address(list, &address);
}

static void addresses_are_found_by_the_range_that_holds_them(void **state)
{
	struct source source = source_of(
		"198.51.100.128/25\n192.0.2.0/24\n192.0.2.64/26\n192.0.2.7\n10.0.0.0/8\n"
		"2001:db8:1::/48\nexample.com\n1.2.3.4/33\n");
	struct list *list = list_new();
	struct list_reading met;
	size_t names;

	(void)state;
	assert_int_equal(list_read_addresses(list, &source, &met, &names), FORMAT_TAKEN);
	assert_int_equal(list_finish(list), 0);
	assert_int_equal(met.report.entries, 7);
	assert_int_equal(names, 1);
	assert_int_equal(met.report.bad, 1);
	assert_int_equal(met.report.bad_lines[0].line, 8);
	assert_int_equal(list_address_count(list), 4);
	assert_int_equal(list_name_count(list), 0);
	assert_true(has_address(list, "192.0.2.0"));
	assert_true(has_address(list, "192.0.2.255"));
	assert_true(has_address(list, "10.255.255.255"));
	assert_true(has_address(list, "2001:db8:1:ffff::1"));
	assert_false(has_address(list, "192.0.3.0"));
	assert_false(has_address(list, "192.0.1.255"));
	assert_false(has_address(list, "198.51.100.127"));
	assert_false(has_address(list, "9.255.255.255"));
	assert_false(has_address(list, "2001:db8:2::"));
	list_free(list);
}

static int add_name(void *context, const struct list_entry *entry)
{
	text_addf(context, "%u %s\n", entry->line, entry->name);
	return 0;
}

static void what_an_ad_blocker_allows_is_taken_away(void **state)
{
	struct source source = source_of("||ads.example^\n@@||ok.ads.example^\n"
					 "||x.ok.ads.example^\n||b.example^\n@@||b.example^\n");
	struct list *list = list_of_names(&source);
	char storage[128];
	struct text text;

	(void)state;
	assert_true(list_has_host(list, "ads.example"));
	assert_true(list_has_host(list, "www.ads.example"));
	assert_false(list_has_host(list, "ok.ads.example"));
	assert_false(list_has_host(list, "x.ok.ads.example"));
	assert_false(list_has_host(list, "b.example"));
	text_begin(&text, storage, sizeof(storage));
	assert_false(list_print_host_entry(list, "x.ok.ads.example", &text));
	assert_true(list_each_name(list, add_name, &text));
	assert_string_equal(storage, "1 ads.example\n");
	list_free(list);
}

static void addresses_that_do_not_match_are_taken_away(void **state)
{
	struct source source = source_of("create drop hash:net family inet\n"
					 "add drop 192.0.2.0/24\nadd drop 192.0.2.7 nomatch\n");
	struct list *list = list_of_addresses(&source);
	struct address address;
	char storage[128];
	struct text text;

	(void)state;
	assert_true(has_address(list, "192.0.2.6"));
	assert_false(has_address(list, "192.0.2.7"));
	assert_true(has_address(list, "192.0.2.8"));
	text_begin(&text, storage, sizeof(storage));
	assert_int_equal(address_parse(&address, "192.0.2.7"), 0);
	assert_false(list_print_address_entry(list, &address, &text));
	assert_int_equal(address_parse(&address, "192.0.2.8"), 0);
	assert_true(list_print_address_entry(list, &address, &text));
	assert_string_equal(storage, "list.txt:2: add drop 192.0.2.0/24");
	list_free(list);
}

static void explain_finds_the_line(void **state)
{
	struct list *list = list_new();
	struct source addresses = source_of("# top\n192.0.2.0/24 ; SBL1\n");
	struct source names =
		source_of("\n.ads.example # all of it\n203.0.113.9\nc.ads.example\r\n");
	struct list_reading met;
	struct address address;
	char storage[128];
	struct text text;
	size_t left_out;

	(void)state;
	assert_int_equal(list_read_addresses(list, &addresses, &met, &left_out), FORMAT_TAKEN);
	assert_int_equal(list_read_names(list, &names, &met), FORMAT_TAKEN);
	assert_int_equal(list_finish(list), 0);
	assert_true(list_has_host(list, "x.ads.example"));
	assert_true(list_has_host(list, "203.0.113.9"));
	assert_false(list_has_host(list, "bads.example"));
	text_begin(&text, storage, sizeof(storage));
	assert_true(list_print_host_entry(list, "x.ads.example", &text));
	assert_string_equal(storage, "list.txt:2: .ads.example # all of it");
	text_begin(&text, storage, sizeof(storage));
	assert_true(list_print_host_entry(list, "c.ads.example", &text));
	assert_string_equal(storage, "list.txt:4: c.ads.example");
	text_begin(&text, storage, sizeof(storage));
	assert_true(list_print_host_entry(list, "203.0.113.9", &text));
	assert_string_equal(storage, "list.txt:3: 203.0.113.9");
	text_begin(&text, storage, sizeof(storage));
	assert_int_equal(address_parse(&address, "192.0.2.9"), 0);
	assert_true(list_print_address_entry(list, &address, &text));
	assert_string_equal(storage, "list.txt:2: 192.0.2.0/24 ; SBL1");
	list_free(list);
}

static void explain_counts_the_entries_of_a_binary_list(void **state)
{
	static const struct image_prefix prefixes[] = { { "192.0.2.0/24", "=DE" },
							{ "198.51.100.0/24", "=FR" },
							{ "203.0.113.0/24", "=DE" } };
	static char name[] = "geo.mmdb";
	static char code[] = "DE";
	struct image image = image_mmdb(prefixes, 3, 4, 24);
	struct source source = { .name = name, .bytes = (char *)image.bytes,
				 .length = image.length };
	struct list *list = list_new();
	struct list_reading met;
	struct address address;
	char storage[128];
	struct text text;
	size_t names;

	(void)state;
	list->code = strdup(code);
	assert_int_equal(list_read_addresses(list, &source, &met, &names), FORMAT_TAKEN);
	assert_int_equal(list_finish(list), 0);
	assert_true(has_address(list, "192.0.2.1"));
	assert_false(has_address(list, "198.51.100.1"));
	text_begin(&text, storage, sizeof(storage));
	assert_int_equal(address_parse(&address, "203.0.113.9"), 0);
	assert_true(list_print_address_entry(list, &address, &text));
	assert_string_equal(storage, "geo.mmdb: entry 2");
	list_free(list);
	image_free(&image);
}

/* "# a\nb.example\nc.example\n", packed by gzip. */
static const uint8_t packed[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x53, 0x56, 0x48, 0xe4,
	0x4a, 0xd2, 0x4b, 0xad, 0x48, 0xcc, 0x2d, 0xc8, 0x49, 0xe5, 0x4a, 0x86, 0xb3, 0x00,
	0x1f, 0x67, 0x2c, 0x07, 0x18, 0x00, 0x00, 0x00,
};

static void packed_lists_are_read_and_explained(void **state)
{
	static char name[] = "names.gz";
	struct source source = { .name = name, .bytes = (const char *)packed,
				 .length = sizeof(packed) };
	struct list *list = list_of_names(&source);
	char storage[128];
	struct text text;

	(void)state;
	assert_int_equal(list_name_count(list), 2);
	assert_true(list_has_host(list, "b.example"));
	text_begin(&text, storage, sizeof(storage));
	assert_true(list_print_host_entry(list, "c.example", &text));
	assert_string_equal(storage, "names.gz: entry 2");
	list_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found_by_the_range_that_holds_them),
		cmocka_unit_test(what_an_ad_blocker_allows_is_taken_away),
		cmocka_unit_test(addresses_that_do_not_match_are_taken_away),
		cmocka_unit_test(explain_finds_the_line),
		cmocka_unit_test(explain_counts_the_entries_of_a_binary_list),
		cmocka_unit_test(packed_lists_are_read_and_explained),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
