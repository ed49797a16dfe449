// link: daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/address.c daemon/name.c daemon/reader.c tests/unit/listing.c tests/unit/images.c -lz -lzstd -llzma -lidn2
/* Binary lists: MaxMind DB, sing-box's and mihomo's rule sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/images.h"
#include "tests/unit/listing.h"

static const struct image_prefix prefixes[] = {
	{ "192.0.2.0/24", "DE" },	 { "192.0.3.0/25", "=AT" }, { "198.51.100.7/32", "DE" },
	{ "203.0.113.0/24", "AS64496" }, { "2001:db8::/32", "DE" }, { "2001:db9::/32", "=AT" },
};

enum { PREFIXES = sizeof(prefixes) / sizeof(*prefixes), PREFIXES_V4 = 4 };

static void assert_code(const struct image *image, const char *code, const char *entries)
{
	struct format_options options = { .code = code };
	struct format_report report;

	listing_of_bytes_is(image->bytes, image->length, &options, entries, &report);
	assert_string_equal(report.format, "mmdb");
}

static void countries_come_out_of_a_maxmind_db(void **state)
{
	static const unsigned sizes[] = { 24, 28, 32 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct image image = image_mmdb(prefixes, PREFIXES, 6, sizes[i]);

		assert_code(&image, "de",
			    "1 192.0.2.0-192.0.2.255\n3 198.51.100.7\n"
			    "5 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\n");
		assert_code(&image, "AT",
			    "2 192.0.3.0-192.0.3.127\n"
			    "6 2001:db9::-2001:db9:ffff:ffff:ffff:ffff:ffff:ffff\n");
		assert_code(&image, "AS64496", "4 203.0.113.0-203.0.113.255\n");
		assert_code(&image, "64496", "4 203.0.113.0-203.0.113.255\n");
		image_free(&image);
		image = image_mmdb(prefixes, PREFIXES_V4, 4, sizes[i]);
		assert_code(&image, "AT", "2 192.0.3.0-192.0.3.127\n");
		image_free(&image);
	}
}

static void a_maxmind_db_needs_a_code(void **state)
{
	struct image image = image_mmdb(prefixes, PREFIXES, 6, 24);
	struct format_options unknown = { .code = "QQ" };

	(void)state;
	listing_is_refused(image.bytes, image.length, NULL, "wanted country or AS");
	listing_is_refused(image.bytes, image.length, &unknown, "no entry");
	listing_is_refused(image.bytes, image.length - 30, &unknown, "no binary format");
	image_free(&image);
}

/* Whoever makes every node lead twice to the next has 2^128 paths. */
static void a_maxmind_db_that_is_no_tree_is_refused(void **state)
{
	struct format_options options = { .code = "DE" };
	struct image image = image_mmdb(prefixes, PREFIXES_V4, 4, 24);

	(void)state;
	for (size_t node = 0; node < 30; node++) {
		memset(image.bytes + node * 6, 0, 6);
		image.bytes[node * 6 + 2] = image.bytes[node * 6 + 5] = (uint8_t)(node + 1);
	}
	listing_is_refused(image.bytes, image.length, &options, "damaged");
	memset(image.bytes, 0, 6); /* the root is its own child */
	listing_is_refused(image.bytes, image.length, &options, "damaged");
	image_free(&image);
}

static const char *const mrs_names[] = { "example.com",	  "+.example.com", "www.example.org",
					 "+.ads.example", "*.one.example", "a.*.example" };

static struct image mrs_image(unsigned behaviour, unsigned extra)
{
	struct image image = { 0 };

	image_add(&image, "MRS\1", 4);
	image_add_number(&image, behaviour, 1);
	image_add_number(&image, 6, 8);
	image_add_number(&image, extra, 8);
	for (unsigned i = 0; i < extra; i++)
		image_add_number(&image, i, 1);
	image_add_number(&image, 1, 1);
	return image;
}

static void mihomo_names_are_read(void **state)
{
	struct image image = mrs_image(0, 5);
	struct format_report report;
	char *text;

	(void)state;
	image_add_trie(&image, mrs_names, 6, 8);
	text = listing_read(image.bytes, image.length, NULL, 3, &report);
	assert_string_equal(report.format, "mrs");
	assert_string_equal(report.refusal, "");
	assert_int_equal(report.entries, 5);
	assert_int_equal(report.skipped, 1);
	assert_non_null(strstr(text, " example.com\n"));
	assert_non_null(strstr(text, " *.example.com\n"));
	assert_non_null(strstr(text, " www.example.org\n"));
	assert_non_null(strstr(text, " *.ads.example\n"));
	assert_non_null(strstr(text, " *.one.example\n"));
	free(text);
	listing_is_refused(image.bytes, image.length - 1, NULL, "damaged");
	image_free(&image);
}

static void add_address16(struct image *image, const char *text)
{
	struct sockaddr_storage storage;
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address_to_socket(&address, AF_INET6, &storage);
	image_add(image, &((struct sockaddr_in6 *)&storage)->sin6_addr, 16);
}

static void mihomo_addresses_are_read(void **state)
{
	struct image image = mrs_image(1, 0);
	struct format_report report;

	(void)state;
	image_add_number(&image, 2, 8);
	add_address16(&image, "192.0.2.0");
	add_address16(&image, "192.0.2.255");
	add_address16(&image, "2001:db8::");
	add_address16(&image, "2001:db8::ffff");
	listing_of_bytes_is(image.bytes, image.length, NULL,
			    "1 192.0.2.0-192.0.2.255\n2 2001:db8::-2001:db8::ffff\n", &report);
	assert_string_equal(report.format, "mrs");
	listing_is_refused(image.bytes, image.length - 16, NULL, "damaged");
	image_free(&image);
	image = mrs_image(2, 0);
	listing_is_refused(image.bytes, image.length, NULL, "neither names nor addresses");
	image_free(&image);
}

static struct image srs_image(unsigned version, unsigned rules)
{
	struct image image = { 0 };

	image_add(&image, "SRS", 3);
	image_add_number(&image, version, 1);
	image_add_varint(&image, rules);
	return image;
}

static const char *const srs_names[] = { "exact.example", "\nsuffix.example", "\r.below.example" };

static void add_srs_names(struct image *image)
{
	image_add_number(image, 2, 1);
	image_add_number(image, 1, 1);
	image_add_trie(image, srs_names, 3, 0);
}

static void add_srs_ranges(struct image *image, unsigned item)
{
	image_add_number(image, item, 1);
	image_add_number(image, 1, 1);
	image_add_number(image, 2, 8);
	image_add(image, "\4\300\0\2\0\4\300\0\2\377", 10);
	image_add(image, "\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\0", 17);
	image_add(image, "\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\17", 17);
}

static void add_srs_strings(struct image *image, unsigned item)
{
	image_add_number(image, item, 1);
	image_add(image, "\2\3abc\2de", 8);
}

/* Everything that tells how long an item is, so that those behind it are found. */
static void add_srs_conditions(struct image *image)
{
	static const unsigned strings[] = { 1, 8, 10, 11, 12, 13, 14, 15, 17, 23 };

	image_add(image, "\0\2\0\1\0\34", 6); /* query types 1, 28 */
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		add_srs_strings(image, strings[i]);
	image_add(image, "\7\1\0\65\11\1\1\273", 8);	  /* ports */
	image_add(image, "\22\2\0\1\23\24", 6);		  /* networks */
	image_add(image, "\25\1\0\1\4\300\0\2\0\30", 10); /* addresses of interfaces */
	image_add(image, "\26\1\4\300\0\2\0\30", 8);
	add_srs_ranges(image, 5);
}

static void sing_box_names_and_addresses_are_read(void **state)
{
	struct image image = srs_image(3, 1);
	struct format_report report;
	char *text;

	(void)state;
	image_add_number(&image, 0, 1);
	add_srs_names(&image);
	add_srs_strings(&image, 3);
	add_srs_ranges(&image, 6);
	image_add(&image, "\377\0", 2);
	image_deflate(&image, 4);
	text = listing_read(image.bytes, image.length, NULL, 1, &report);
	assert_string_equal(report.format, "srs");
	assert_string_equal(report.refusal, "");
	assert_int_equal(report.entries, 5);
	assert_non_null(strstr(text, " exact.example\n"));
	assert_non_null(strstr(text, " .suffix.example\n"));
	assert_non_null(strstr(text, " *.below.example\n"));
	assert_non_null(strstr(text, " 192.0.2.0-192.0.2.255\n"));
	assert_non_null(strstr(text, " 2001:db8::-2001:db8::f\n"));
	free(text);
	listing_is_refused(image.bytes, image.length - 1, NULL, "cut short");
	image_free(&image);
}

/* A rule for port 443 of a name is none against the name. */
static void sing_box_rules_with_further_conditions_are_left_out(void **state)
{
	static const char *const last[] = { "last.example" };
	struct image image = srs_image(4, 4);
	struct format_report report;

	(void)state;
	image_add_number(&image, 0, 1); /* narrowed */
	add_srs_names(&image);
	add_srs_conditions(&image);
	image_add(&image, "\377\0", 2);
	image_add_number(&image, 0, 1); /* inverted */
	add_srs_names(&image);
	image_add(&image, "\377\1", 2);
	image_add(&image, "\1\0\2\0", 4); /* two rules, both of which must hold */
	add_srs_names(&image);
	image_add(&image, "\377\0\0", 3);
	add_srs_ranges(&image, 6);
	image_add(&image, "\377\0\0", 3);
	image_add_number(&image, 0, 1);
	image_add(&image, "\2\1", 2);
	image_add_trie(&image, last, 1, 0);
	image_add(&image, "\377\0", 2);
	image_deflate(&image, 4);
	listing_of_bytes_is(image.bytes, image.length, NULL, "1 last.example\n", &report);
	image_free(&image);
}

static void sing_box_adguard_rules_are_read(void **state)
{
	static const char *const rules[] = { "\nads.example", "\nopen.example\b", "\rpart.example",
					     "start.example", "\na*b.example" };
	struct image image = srs_image(2, 1);
	struct format_report report;
	char *text;

	(void)state;
	image_add(&image, "\0\20\0", 3);
	image_add_trie(&image, rules, 5, 0);
	image_add(&image, "\377\0", 2);
	image_deflate(&image, 4);
	text = listing_read(image.bytes, image.length, NULL, 0, &report);
	assert_int_equal(report.entries, 2);
	assert_int_equal(report.skipped, 3);
	assert_non_null(strstr(text, " .ads.example\n"));
	assert_non_null(strstr(text, " start.example\n"));
	free(text);
	image_free(&image);
}

static void what_sing_box_may_write_one_day_is_refused(void **state)
{
	struct image image = srs_image(3, 1);

	(void)state;
	image_add(&image, "\0\50\1\377\0", 5); /* an item 40 */
	image_deflate(&image, 4);
	listing_is_refused(image.bytes, image.length, NULL, "newer than we know");
	image.bytes[3] = 9;
	listing_is_refused(image.bytes, image.length, NULL, "version 1 to 4");
	image_free(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(countries_come_out_of_a_maxmind_db),
		cmocka_unit_test(a_maxmind_db_needs_a_code),
		cmocka_unit_test(a_maxmind_db_that_is_no_tree_is_refused),
		cmocka_unit_test(mihomo_names_are_read),
		cmocka_unit_test(mihomo_addresses_are_read),
		cmocka_unit_test(sing_box_names_and_addresses_are_read),
		cmocka_unit_test(sing_box_rules_with_further_conditions_are_left_out),
		cmocka_unit_test(sing_box_adguard_rules_are_read),
		cmocka_unit_test(what_sing_box_may_write_one_day_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
