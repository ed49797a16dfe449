// link: daemon/counters.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/counters.h"

static struct counters *blocks;

static int open_blocks(void **state)
{
	(void)state;
	blocks = counters_new(3);
	return blocks ? 0 : -1;
}

static int close_blocks(void **state)
{
	(void)state;
	return munmap(blocks, 3 * sizeof *blocks);
}

static int64_t percentile(unsigned percent)
{
	return counters_percentile(blocks, 3, DURATION_CONNECT, percent);
}

static void nothing_counted_has_no_percentile(void **state)
{
	(void)state;
	counters_duration(&blocks[0], DURATION_CONNECT, -1);
	assert_int_equal(percentile(50), -1);
}

static void small_durations_are_exact(void **state)
{
	(void)state;
	for (int64_t microseconds = 0; microseconds < 8; microseconds++)
		counters_duration(&blocks[0], DURATION_CONNECT, microseconds);
	assert_int_equal(percentile(0), 0);
	assert_int_equal(percentile(50), 3);
	assert_int_equal(percentile(100), 7);
}

/* The bound is never below the duration and at most a quarter above it. */
static void bounds_are_close(void **state)
{
	static const int64_t durations[] = { 8, 9, 1000, 123456, 1000000, 59999999, 3600000000 };

	(void)state;
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		close_blocks(NULL);
		open_blocks(NULL);
		counters_duration(&blocks[1], DURATION_CONNECT, durations[i]);
		assert_true(percentile(50) >= durations[i]);
		assert_true(percentile(50) <= durations[i] + durations[i] / 4);
	}
}

static void the_longest_goes_into_the_last_bucket(void **state)
{
	(void)state;
	counters_duration(&blocks[0], DURATION_CONNECT, INT64_MAX);
	assert_int_equal(atomic_load(&blocks[0].durations[DURATION_CONNECT][HISTOGRAM_BUCKETS - 1]),
			 1);
	assert_true(percentile(50) > 3600 * INT64_C(1000000));
}

static void blocks_are_summed(void **state)
{
	(void)state;
	for (int i = 0; i < 98; i++)
		counters_duration(&blocks[i % 3], DURATION_CONNECT, 1);
	counters_duration(&blocks[0], DURATION_CONNECT, 1000);
	counters_duration(&blocks[2], DURATION_CONNECT, 1000000);
	counters_duration(&blocks[2], DURATION_TOTAL, 77000000);
	assert_int_equal(percentile(50), 1);
	assert_int_equal(percentile(98), 1);
	assert_in_range(percentile(99), 1000, 1250);
	assert_in_range(percentile(100), 1000000, 1250000);
}

static void a_child_counts_for_its_parent(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		atomic_fetch_add(&blocks[2].accepted, 5);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(atomic_load(&blocks[2].accepted), 5);
}

static void every_duration_has_a_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DURATION_COUNT; i++)
		assert_non_null(duration_word(i));
	assert_string_equal(duration_word(DURATION_TLS_SERVER), "tls_server");
}

#define IN_BLOCKS(test) cmocka_unit_test_setup_teardown(test, open_blocks, close_blocks)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BLOCKS(nothing_counted_has_no_percentile),
		IN_BLOCKS(small_durations_are_exact),
		IN_BLOCKS(bounds_are_close),
		IN_BLOCKS(the_longest_goes_into_the_last_bucket),
		IN_BLOCKS(blocks_are_summed),
		IN_BLOCKS(a_child_counts_for_its_parent),
		IN_BLOCKS(every_duration_has_a_word),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
