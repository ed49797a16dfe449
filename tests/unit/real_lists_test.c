// link: daemon/lists/list_read.c daemon/lists/hash.c daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/address.c daemon/name.c daemon/reader.c -lz -lzstd -llzma -lidn2
/* Lists as they are published, fetched by real_lists_fetch. Skipped where they cannot be fetched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lists/list_read.h"

static char folder[4096];

struct range {
	struct address first, last;
};

struct ranges {
	struct range *ranges;
	size_t count;
};

static int keep(void *context, const struct list_entry *entry)
{
	struct ranges *ranges = context;

	if (entry->kind != ENTRY_RANGE || entry->allow)
		return 0;
	if ((ranges->count & (ranges->count + 1)) == 0 || !ranges->ranges) {
		size_t size = (ranges->count + 1) * 2;

		ranges->ranges = realloc(ranges->ranges, size * sizeof(*ranges->ranges));
		assert_non_null(ranges->ranges);
	}
	ranges->ranges[ranges->count++] = (struct range){ entry->first, entry->last };
	return 0;
}

/* Skips the test when the list is not there. */
static void read_list(const char *name, const struct format_options *options, struct ranges *ranges,
		      struct list_reading *reading)
{
	char path[sizeof(folder) + 64];
	int descriptor;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		skip();
	assert_int_equal(list_read(descriptor, options, 1 << 30, keep, ranges, reading),
			 FORMAT_TAKEN);
	assert_int_equal(reading->report.bad, 0);
	close(descriptor);
}

static void assert_list(const char *name, const char *format, size_t at_least)
{
	static const struct format_options options;
	struct ranges ranges = { 0 };
	struct list_reading reading;

	read_list(name, &options, &ranges, &reading);
	assert_string_equal(reading.report.format, format);
	if (reading.report.entries < at_least)
		fail_msg("%zu entries", reading.report.entries);
	free(ranges.ranges);
}

static void easylist_is_read(void **state)
{
	(void)state;
	assert_list("easylist.txt", "adblock", 30000);
}

static void easyprivacy_is_read(void **state)
{
	(void)state;
	assert_list("easyprivacy.txt", "adblock", 30000);
}

static void urlhaus_is_read(void **state)
{
	(void)state;
	assert_list("urlhaus-filter-online.txt", "plain", 2500);
}

static void badware_is_read(void **state)
{
	(void)state;
	assert_list("badware.min.txt", "adblock", 1000);
}

static void disposable_domains_are_read(void **state)
{
	(void)state;
	assert_list("disposable.txt", "plain", 100000);
}

static void every_country_is_read(void **state)
{
	(void)state;
	assert_list("country-ipv4.csv", "csv", 200000);
	assert_list("country-ipv6.csv", "csv", 200000);
}

static int compare(const void *a, const void *b)
{
	return address_compare(&((const struct range *)a)->first,
			       &((const struct range *)b)->first);
}

static bool adjoins(const struct address *last, const struct address *first)
{
	struct address next = *last;

	for (unsigned i = address_width(&next); i-- > 0;) {
		if (++next.bytes[i])
			break;
	}
	return address_equal(&next, first);
}

static void merge(struct ranges *ranges)
{
	size_t kept = 0;

	qsort(ranges->ranges, ranges->count, sizeof(*ranges->ranges), compare);
	for (size_t i = 1; i < ranges->count; i++) {
		if (adjoins(&ranges->ranges[kept].last, &ranges->ranges[i].first))
			ranges->ranges[kept].last = ranges->ranges[i].last;
		else
			ranges->ranges[++kept] = ranges->ranges[i];
	}
	ranges->count = kept + 1;
}

/* The publisher's two files of the same day must say the same. */
static void csv_and_maxmind_db_agree(void **state)
{
	static const char *const codes[] = { "DE", "AQ", "JP" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct format_options options = { .code = codes[i] };
		struct ranges csv = { 0 }, mmdb = { 0 };
		struct list_reading reading;

		read_list("country.mmdb", &options, &mmdb, &reading);
		assert_string_equal(reading.report.format, "mmdb");
		read_list("country-ipv4.csv", &options, &csv, &reading);
		read_list("country-ipv6.csv", &options, &csv, &reading);
		merge(&csv);
		merge(&mmdb);
		assert_int_equal(csv.count, mmdb.count);
		for (size_t j = 0; j < csv.count; j++) {
			assert_true(address_equal(&csv.ranges[j].first, &mmdb.ranges[j].first));
			assert_true(address_equal(&csv.ranges[j].last, &mmdb.ranges[j].last));
		}
		free(csv.ranges);
		free(mmdb.ranges);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(easylist_is_read),
		cmocka_unit_test(easyprivacy_is_read),
		cmocka_unit_test(urlhaus_is_read),
		cmocka_unit_test(badware_is_read),
		cmocka_unit_test(disposable_domains_are_read),
		cmocka_unit_test(every_country_is_read),
		cmocka_unit_test(csv_and_maxmind_db_agree),
	};
	const char *build = getenv("BUILD");
	char command[sizeof(folder) + 64];

	cmocka_set_message_output(CM_OUTPUT_TAP);
	snprintf(folder, sizeof(folder), "%s/lists", build ? build : "build");
	snprintf(command, sizeof(command), "tests/unit/real_lists_fetch '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "not all real lists could be fetched\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
