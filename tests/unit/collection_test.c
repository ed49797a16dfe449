// link: collection tests/unit/enforcing.c tests/unit/images.c -lyaml -lz -lzstd -llzma -lidn2 -lseccomp
/* The lists of a policy on their way into force, by the real compiler process: what is found in them, and explained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/policy/list_reader.h"
#include "tests/unit/enforcing.h"
#include "tests/unit/images.h"

static void addresses_are_found_by_the_range_that_holds_them(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt",
	    "198.51.100.128/25\n192.0.2.0/24\n192.0.2.64/26\n192.0.2.7\n10.0.0.0/8\n"
	    "2001:db8:1::/48\nexample.com\n1.2.3.4/33\n");
	policy = load("lists: { drop: { addresses: drop.txt } }", NULL);
	assert_string_equal(messages(),
			    "drop.txt:8: warning: 1 line is not understood and left out: line 8 "
			    "(neither an address nor a host name)\n"
			    "t.yaml:3: warning: drop.txt holds 1 name, left out: \"addresses\" takes "
			    "addresses alone\n");
	assert_true(has_address(policy, "192.0.2.0"));
	assert_true(has_address(policy, "192.0.2.255"));
	assert_true(has_address(policy, "10.255.255.255"));
	assert_true(has_address(policy, "2001:db8:1:ffff::1"));
	assert_false(has_address(policy, "192.0.3.0"));
	assert_false(has_address(policy, "198.51.100.127"));
	assert_false(has_address(policy, "9.255.255.255"));
	assert_false(has_address(policy, "2001:db8:2::"));
	policy_release(policy);
}

static void what_an_ad_blocker_allows_is_taken_away(void **state)
{
	struct policy *policy;

	(void)state;
	put("ads.txt", "||ads.example^\n@@||ok.ads.example^\n||x.ok.ads.example^\n||b.example^\n"
		       "@@||b.example^\n");
	policy = load("lists: { ads: { names: ads.txt } }", NULL);
	assert_true(has_host(policy, "ads.example"));
	assert_true(has_host(policy, "www.ads.example"));
	assert_false(has_host(policy, "ok.ads.example"));
	assert_false(has_host(policy, "x.ok.ads.example"));
	assert_false(has_host(policy, "b.example"));
	assert_string_equal(explained(policy, "x.ok.ads.example"), "");
	policy_release(policy);
}

static void addresses_that_do_not_match_are_taken_away(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt", "create drop hash:net family inet\nadd drop 192.0.2.0/24\n"
			"add drop 192.0.2.7 nomatch\n");
	policy = load("lists: { drop: { addresses: drop.txt } }", NULL);
	assert_true(has_address(policy, "192.0.2.6"));
	assert_false(has_address(policy, "192.0.2.7"));
	assert_string_equal(explained(policy, "192.0.2.7"), "");
	assert_string_equal(explained(policy, "192.0.2.8"), "drop.txt:2: add drop 192.0.2.0/24");
	policy_release(policy);
}

static void explain_finds_the_line_in_either_file(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt", "# top\n192.0.2.0/24 ; SBL1\n");
	put("ads.txt", "\n.ads.example # all of it\n203.0.113.9\nc.ads.example\r\n");
	policy = load("lists: { a: { addresses: drop.txt, names: ads.txt } }", NULL);
	assert_true(has_host(policy, "203.0.113.9"));
	assert_false(has_host(policy, "bads.example"));
	assert_string_equal(explained(policy, "x.ads.example"),
			    "ads.txt:2: .ads.example # all of it");
	assert_string_equal(explained(policy, "203.0.113.9"), "ads.txt:3: 203.0.113.9");
	assert_string_equal(explained(policy, "192.0.2.9"), "drop.txt:2: 192.0.2.0/24 ; SBL1");
	put("drop.txt", "a line in front\n# top\n192.0.2.0/24 ; SBL2\n");
	assert_string_equal(explained(policy, "192.0.2.9"), "drop.txt:2: 192.0.2.0/24");
	policy_release(policy);
}

static void packed_and_binary_lists_are_explained(void **state)
{
	static const struct image_prefix prefixes[] = { { "192.0.2.0/24", "=DE" },
							{ "198.51.100.0/24", "=FR" },
							{ "203.0.113.0/24", "=DE" } };
	struct image image = image_mmdb(prefixes, 3, 4, 24);
	struct policy *policy;

	(void)state;
	put_bytes("names.gz", packed, PACKED_LENGTH);
	policy = load("lists: { a: { names: names.gz } }", NULL);
	assert_string_equal(explained(policy, "c.example"), "names.gz: line 3: c.example");
	policy_release(policy);
	put_bytes("geo.mmdb", image.bytes, image.length);
	policy = load("lists: { de: { addresses: geo.mmdb, code: DE } }", NULL);
	assert_false(has_address(policy, "198.51.100.1"));
	assert_string_equal(explained(policy, "203.0.113.9"),
			    "geo.mmdb: entry 3: 203.0.113.0/24");
	policy_release(policy);
	image_free(&image);
}

static bool list_holds(const struct policy *policy, const char *name, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return list_has_address(list_of_name(policy, name), &address);
}

/* The file is read once for all, also for a country of which it knows nothing. */
static void countries_of_one_file_are_told_apart(const char *file)
{
	struct policy *policy;
	char lists[512];

	snprintf(lists, sizeof lists,
		 "countries: %s\nlists: { system: { addresses: %s, code: AS64496 }, "
		 "other: { addresses: other.csv, code: DE }, again: { addresses: %s, code: de } }\n"
		 "rules: [{ when: { address: [country DE, country FR, country QQ] }, do: block }]",
		 file, file, file);
	policy = load(lists, NULL);
	assert_true(list_holds(policy, "country DE", "192.0.2.1"));
	assert_false(list_holds(policy, "country FR", "192.0.2.1"));
	assert_true(list_holds(policy, "again", "192.0.2.1"));
	assert_true(list_holds(policy, "country FR", "198.51.100.1"));
	assert_true(list_holds(policy, "country DE", "203.0.113.1"));
	assert_true(list_holds(policy, "system", "203.0.114.1"));
	assert_false(list_holds(policy, "system", "203.0.113.1"));
	assert_true(list_holds(policy, "other", "10.0.0.1"));
	assert_false(list_holds(policy, "country DE", "10.0.0.1"));
	assert_false(list_holds(policy, "country QQ", "192.0.2.1"));
	assert_non_null(strstr(messages(), "is refused: it holds no entry"));
	assert_null(strstr(strstr(messages(), "is refused") + 1, "is refused"));
	policy_release(policy);
}

static void countries_are_told_apart(void **state)
{
	static const struct image_prefix prefixes[] = { { "192.0.2.0/24", "=DE" },
							{ "198.51.100.0/24", "=FR" },
							{ "203.0.113.0/24", "=DE" },
							{ "203.0.114.0/24", "AS64496" } };
	struct image image = image_mmdb(prefixes, 4, 4, 24);

	(void)state;
	put("other.csv", "10.0.0.0,10.0.0.255,DE\n");
	put_bytes("geo.mmdb", image.bytes, image.length);
	image_free(&image);
	countries_of_one_file_are_told_apart("geo.mmdb");
	put("geo.csv", "192.0.2.0,192.0.2.255,DE,Germany\n198.51.100.0,198.51.100.255,FR,France\n"
		       "203.0.113.0,203.0.113.255,DE,Germany\n203.0.114.0,203.0.114.255,64496,Example\n");
	countries_of_one_file_are_told_apart("geo.csv");
}

/* More than waits in memory. */
static void large_parts_come_back_whole(void **state)
{
	FILE *file = fopen("geo.csv", "w");
	struct policy *policy;
	char address[32];

	(void)state;
	assert_non_null(file);
	for (unsigned i = 0; i < 3000; i++)
		fprintf(file, "10.%u.%u.0,10.%u.%u.9,%s\n", i / 256, i % 256, i / 256, i % 256,
			i % 3 ? "DE" : "FR");
	fclose(file);
	policy = load("countries: geo.csv\n"
		      "rules: [{ when: { address: [country DE, country FR] }, do: block }]", NULL);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(address, sizeof address, "10.%u.%u.9", i / 256, i % 256);
		assert_true(list_holds(policy, i % 3 ? "country DE" : "country FR", address));
		assert_false(list_holds(policy, i % 3 ? "country FR" : "country DE", address));
	}
	policy_release(policy);
}

static void lists_of_never_become_names(void **state)
{
	struct policy *policy;

	(void)state;
	put("banks.txt", ".bank.example\n*.safe.example\n");
	policy = load("authority: { never: [mine.example, list banks] }\n"
		      "lists: { banks: { names: banks.txt } }",
		      NULL);
	assert_int_equal(policy->authority.never_count, 3);
	assert_string_equal(policy->authority.never[0].name, "mine.example");
	policy_release(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found_by_the_range_that_holds_them),
		cmocka_unit_test(what_an_ad_blocker_allows_is_taken_away),
		cmocka_unit_test(addresses_that_do_not_match_are_taken_away),
		cmocka_unit_test(explain_finds_the_line_in_either_file),
		cmocka_unit_test(packed_and_binary_lists_are_explained),
		cmocka_unit_test(countries_are_told_apart),
		cmocka_unit_test(large_parts_come_back_whole),
		cmocka_unit_test(lists_of_never_become_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enforcing_begin, enforcing_end);
}
