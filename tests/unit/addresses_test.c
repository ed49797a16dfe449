// link: daemon/lists/addresses.c daemon/lists/wide.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/addresses.h"

static struct list_entry entry_of(const char *first, const char *last, bool allow)
{
	struct list_entry entry = { .kind = ENTRY_RANGE, .allow = allow };

	assert_int_equal(address_parse(&entry.first, first), 0);
	assert_int_equal(address_parse(&entry.last, last), 0);
	return entry;
}

static void add(struct address_set *set, const char *first, const char *last, bool allow)
{
	struct list_entry entry = entry_of(first, last, allow);

	assert_int_equal(address_set_add(set, &entry), 0);
}

static bool has(const struct address_set *set, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = 443;
	return address_set_has(set, &address);
}

static void ranges_that_touch_are_one(void **state)
{
	struct address_set *set = address_set_new();

	(void)state;
	add(set, "192.0.2.128", "192.0.2.255", false);
	add(set, "192.0.2.0", "192.0.2.127", false);
	add(set, "192.0.2.7", "192.0.2.7", false);
	add(set, "255.255.255.255", "255.255.255.255", false);
	add(set, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", false);
	add(set, "2001:db8:0:1::", "2001:db8:0:1::", false);
	assert_int_equal(address_set_finish(set), 0);
	assert_int_equal(address_set_count(set), 3);
	assert_true(has(set, "192.0.2.0"));
	assert_true(has(set, "192.0.2.255"));
	assert_true(has(set, "255.255.255.255"));
	assert_true(has(set, "2001:db8:0:1::"));
	assert_false(has(set, "192.0.1.255"));
	assert_false(has(set, "192.0.3.0"));
	assert_false(has(set, "2001:db8:0:1::1"));
	assert_false(has(set, "::c000:200"));
	address_set_free(set);
}

static void the_ends_of_the_space_are_no_trap(void **state)
{
	struct address_set *set = address_set_new();

	(void)state;
	add(set, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false);
	add(set, "::", "::", true);
	add(set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true);
	assert_int_equal(address_set_finish(set), 0);
	assert_int_equal(address_set_count(set), 1);
	assert_false(has(set, "::"));
	assert_true(has(set, "::1"));
	assert_true(has(set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"));
	assert_false(has(set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_false(has(set, "192.0.2.1"));
	address_set_free(set);
}

enum { ROUNDS = 3000 };

/* Against one mark for each of the 256 addresses of a /24. */
static void any_ranges_are_as_if_marked_one_by_one(void **state)
{
	struct list_entry entry = entry_of("192.0.2.0", "192.0.2.0", false);

	(void)state;
	srandom(7);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct address_set *set = address_set_new();
		bool added[256] = { false }, taken[256] = { false };

		for (long left = random() % 12; left > 0; left--) {
			unsigned first = (unsigned)random() % 256;
			unsigned last = first + (unsigned)random() % (256 - first) / 4;

			entry.allow = random() % 3 == 0;
			entry.first.bytes[3] = (uint8_t)first;
			entry.last.bytes[3] = (uint8_t)last;
			assert_int_equal(address_set_add(set, &entry), 0);
			memset((entry.allow ? taken : added) + first, true, last - first + 1);
		}
		assert_int_equal(address_set_finish(set), 0);
		for (unsigned i = 0; i < 256; i++) {
			entry.first.bytes[3] = (uint8_t)i;
			assert_int_equal(address_set_has(set, &entry.first), added[i] && !taken[i]);
		}
		address_set_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_that_touch_are_one),
		cmocka_unit_test(the_ends_of_the_space_are_no_trap),
		cmocka_unit_test(any_ranges_are_as_if_marked_one_by_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
