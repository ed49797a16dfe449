// link: daemon/reader.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/reader.h"

static void integers_are_big_endian(void **state)
{
	const uint8_t bytes[] = { 0xff, 0x12, 0x34, 0x80, 0x00, 0x01, 0xfe, 0xdc, 0xba, 0x98 };
	struct reader reader;

	(void)state;
	reader_begin(&reader, bytes, sizeof bytes);
	assert_int_equal(reader_u8(&reader), 0xff);
	assert_int_equal(reader_u16(&reader), 0x1234);
	assert_int_equal(reader_u24(&reader), 0x800001);
	assert_int_equal(reader_u32(&reader), 0xfedcba98);
	assert_int_equal(reader_left(&reader), 0);
	assert_false(reader.failed);
}

static void the_first_failure_stays(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	struct reader reader;

	(void)state;
	reader_begin(&reader, bytes, sizeof bytes);
	assert_int_equal(reader_u32(&reader), 0);
	assert_true(reader.failed);
	assert_int_equal(reader_left(&reader), 0);
	assert_int_equal(reader_u8(&reader), 0);
	assert_int_equal(reader_take(&reader, 0).length, 0);
	assert_null(reader_take(&reader, 0).bytes);
	assert_null(reader_take(&reader, 1).bytes);
}

static void a_huge_length_does_not_wrap(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	struct reader reader;

	(void)state;
	reader_begin(&reader, bytes, sizeof bytes);
	reader_u8(&reader);
	assert_int_equal(reader_take(&reader, SIZE_MAX).length, 0);
	assert_true(reader.failed);
}

static void taking_nothing_is_no_failure(void **state)
{
	struct reader reader;

	(void)state;
	reader_begin(&reader, NULL, 0);
	assert_int_equal(reader_take(&reader, 0).length, 0);
	assert_false(reader.failed);
	assert_int_equal(reader_u8(&reader), 0);
	assert_true(reader.failed);
}

static void vectors_are_readers_of_their_own(void **state)
{
	const uint8_t bytes[] = { 2, 0xaa, 0xbb, 0, 1, 0xcc, 0xdd };
	struct reader reader;
	struct reader short_vector;
	struct reader long_vector;

	(void)state;
	reader_begin(&reader, bytes, sizeof bytes);
	short_vector = reader_vector8(&reader);
	long_vector = reader_vector16(&reader);
	assert_int_equal(reader_u16(&short_vector), 0xaabb);
	assert_int_equal(reader_u8(&long_vector), 0xcc);
	assert_int_equal(reader_u8(&long_vector), 0);
	assert_true(long_vector.failed);
	assert_false(reader.failed);
	assert_int_equal(reader_u8(&reader), 0xdd);
}

static void a_vector_that_does_not_fit_fails_both(void **state)
{
	const uint8_t bytes[] = { 0, 3, 1, 2 };
	struct reader reader;
	struct reader vector;

	(void)state;
	reader_begin(&reader, bytes, sizeof bytes);
	vector = reader_vector16(&reader);
	assert_true(vector.failed);
	assert_true(reader.failed);
	reader_begin(&reader, bytes, 1);
	vector = reader_vector16(&reader);
	assert_true(vector.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(the_first_failure_stays),
		cmocka_unit_test(a_huge_length_does_not_wrap),
		cmocka_unit_test(taking_nothing_is_no_failure),
		cmocka_unit_test(vectors_are_readers_of_their_own),
		cmocka_unit_test(a_vector_that_does_not_fit_fails_both),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
