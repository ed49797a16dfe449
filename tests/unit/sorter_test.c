// link: daemon/lists/sorter.c daemon/lists/spool.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/sorter.h"

enum { MANY = 700000 }; /* more than two runs */

/* Every number once, in an order that has nothing to do with its size. */
static void many_records_come_out_sorted(void **state)
{
	struct sorter *sorter = sorter_new("/tmp");
	const uint8_t *record;
	char text[32];
	size_t length;

	(void)state;
	assert_non_null(sorter);
	for (unsigned long i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "%09lu", i * 123457 % MANY);
		assert_int_equal(sorter_add(sorter, text, 9), 0);
	}
	assert_int_equal(sorter_finish(sorter), 0);
	for (unsigned long i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "%09lu", i);
		assert_int_equal(sorter_next(sorter, &record, &length), 1);
		assert_int_equal(length, 9);
		assert_memory_equal(record, text, 9);
	}
	assert_int_equal(sorter_next(sorter, &record, &length), 0);
	assert_int_equal(sorter_next(sorter, &record, &length), 0);
	sorter_free(sorter);
}

static void shorter_records_come_first(void **state)
{
	static const char *const added[] = { "abcdefghij", "b", "abcdefghi", "", "abc", "abc\xff" };
	static const char *const sorted[] = {
		"", "abc", "abcdefghi", "abcdefghij", "abc\xff", "b"
	};
	struct sorter *sorter = sorter_new("/tmp");
	const uint8_t *record;
	size_t length;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(sorter_add(sorter, added[i], strlen(added[i])), 0);
	assert_int_equal(sorter_finish(sorter), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(sorter_next(sorter, &record, &length), 1);
		assert_int_equal(length, strlen(sorted[i]));
		assert_memory_equal(record, sorted[i], length);
	}
	sorter_free(sorter);
}

static int compare(const void *left, const void *right)
{
	return memcmp(left, right, SORTER_RECORD_MAX);
}

/* Records almost as long as a run's buffer, so that each must be moved to its front. */
static void the_longest_records_survive(void **state)
{
	enum { COUNT = 1200 };
	uint8_t *records = malloc((size_t)COUNT * SORTER_RECORD_MAX);
	struct sorter *sorter = sorter_new("/tmp");
	const uint8_t *record;
	size_t length;

	(void)state;
	srand(3);
	for (size_t i = 0; i < (size_t)COUNT * SORTER_RECORD_MAX; i++)
		records[i] = (uint8_t)(rand() >> 8);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(
			sorter_add(sorter, records + i * SORTER_RECORD_MAX, SORTER_RECORD_MAX), 0);
	assert_int_equal(sorter_add(sorter, records, SORTER_RECORD_MAX + 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(sorter_finish(sorter), 0);
	qsort(records, COUNT, SORTER_RECORD_MAX, compare);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(sorter_next(sorter, &record, &length), 1);
		assert_int_equal(length, SORTER_RECORD_MAX);
		assert_memory_equal(record, records + i * SORTER_RECORD_MAX, length);
	}
	sorter_free(sorter);
	free(records);
}

static void nothing_gives_nothing(void **state)
{
	struct sorter *sorter = sorter_new("/tmp");
	const uint8_t *record;
	size_t length;

	(void)state;
	assert_int_equal(sorter_finish(sorter), 0);
	assert_int_equal(sorter_next(sorter, &record, &length), 0);
	sorter_free(sorter);
	sorter_free(NULL);
}

static void a_missing_directory_is_an_error(void **state)
{
	struct sorter *sorter = sorter_new("/nonexistent");

	(void)state;
	assert_int_equal(sorter_add(sorter, "a", 1), 0);
	for (unsigned i = 0; i < SORTER_PLACES - 1; i++)
		assert_int_equal(sorter_add(sorter, "aaaaaaaaaaaaa", 13), 0);
	assert_int_equal(sorter_add(sorter, "a", 1), -1);
	assert_int_equal(errno, ENOENT);
	sorter_free(sorter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_records_come_out_sorted),
		cmocka_unit_test(shorter_records_come_first),
		cmocka_unit_test(the_longest_records_survive),
		cmocka_unit_test(nothing_gives_nothing),
		cmocka_unit_test(a_missing_directory_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
