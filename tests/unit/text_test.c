// link: daemon/text.c daemon/reason.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/reason.h"
#include "daemon/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void additions_follow_each_other(void **state)
{
	char storage[64];
	struct text text;

	(void)state;
	text_begin(&text, storage, sizeof storage);
	assert_string_equal(storage, "");
	text_add(&text, "a");
	text_add_char(&text, 'b');
	text_add_bytes(&text, "cd", 1);
	text_add_number(&text, -12);
	text_addf(&text, "%s=%d", "e", 5);
	text_add_hex(&text, (const uint8_t[]){ 0x00, 0xfe }, 2);
	assert_string_equal(storage, "abc-12e=500fe");
	assert_int_equal(text.length, strlen(storage));
	assert_false(text.full);
}

static void numbers_reach_both_ends(void **state)
{
	char storage[64];
	struct text text;

	(void)state;
	text_begin(&text, storage, sizeof storage);
	text_add_number(&text, INT64_MIN);
	text_add_char(&text, ' ');
	text_add_number(&text, 0);
	text_add_char(&text, ' ');
	text_add_number(&text, INT64_MAX);
	assert_string_equal(storage, "-9223372036854775808 0 9223372036854775807");
}

static void what_fits_exactly_is_not_full(void **state)
{
	char storage[4];
	struct text text;

	(void)state;
	text_begin(&text, storage, sizeof storage);
	text_add(&text, "abc");
	assert_false(text.full);
	text_add(&text, "");
	assert_false(text.full);
	text_begin(&text, storage, sizeof storage);
	text_addf(&text, "%d", 123);
	assert_false(text.full);
	assert_string_equal(storage, "123");
}

static void too_much_is_cut_and_remembered(void **state)
{
	char storage[6] = "xxxxx";
	struct text text;

	(void)state;
	text_begin(&text, storage, 4);
	text_add(&text, "abcd");
	assert_true(text.full);
	assert_string_equal(storage, "abc");
	text_begin(&text, storage, 4);
	text_addf(&text, "%s", "abcd");
	assert_true(text.full);
	assert_string_equal(storage, "abc");
	assert_int_equal(text.length, 3);
	assert_int_equal(storage[4], 'x');
}

static void after_a_gap_nothing_is_added(void **state)
{
	char storage[4];
	struct text text;

	(void)state;
	text_begin(&text, storage, sizeof storage);
	text_add(&text, "ab");
	text_addf(&text, "%s", "cde");
	text_begin(&text, storage, sizeof storage);
	text_add_number(&text, 12345);
	text_add(&text, "z");
	text_addf(&text, "z");
	text_add_hex(&text, (const uint8_t *)"z", 1);
	text_add_json(&text, "z");
	assert_string_equal(storage, "123");
	assert_true(text.full);
}

static void json_strings_are_escaped(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	};
	char storage[128];
	struct text text;

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		text_begin(&text, storage, sizeof storage);
		text_add_json(&text, pairs[i][0]);
		assert_string_equal(storage, pairs[i][1]);
	}
	text_begin(&text, storage, sizeof storage);
	text_add_json(&text, NULL);
	text_add_json_bytes(&text, "a\0b", 3);
	assert_string_equal(storage, "null\"a\\u0000b\"");
}

#define LOST "\xef\xbf\xbd"

static void invalid_utf8_is_replaced(void **state)
{
	static const char *const pairs[][2] = {
		{ "\x80", LOST },
		{ "a\xff"
		  "b",
		  "a" LOST "b" },
		{ "\xc3", LOST },			     /* cut off */
		{ "\xe2\x82", LOST LOST },		     /* cut off */
		{ "\xc0\xaf", LOST LOST },		     /* overlong */
		{ "\xe0\x80\xaf", LOST LOST LOST },	     /* overlong */
		{ "\xf0\x80\x80\xaf", LOST LOST LOST LOST }, /* overlong */
		{ "\xed\xa0\x80", LOST LOST LOST },	     /* surrogate */
		{ "\xf4\x90\x80\x80", LOST LOST LOST LOST }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", LOST LOST LOST LOST },
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
	};
	char expected[64];
	char storage[64];
	struct text text;

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		text_begin(&text, storage, sizeof storage);
		text_add_json(&text, pairs[i][0]);
		text_begin(&text, expected, sizeof expected);
		text_addf(&text, "\"%s\"", pairs[i][1]);
		assert_string_equal(storage, expected);
	}
}

static void a_cut_json_string_is_noticed(void **state)
{
	char storage[8];
	struct text text;

	(void)state;
	for (size_t size = 1; size < sizeof storage; size++) {
		text_begin(&text, storage, size);
		text_add_json(&text, "a\n\xc3\xa4");
		assert_true(text.full);
		assert_int_equal(strlen(storage), text.length);
		assert_true(text.length < size);
	}
}

static void every_reason_has_its_words(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		assert_true(*reason_word((enum reason)i));
		assert_true(*reason_sentence((enum reason)i));
		assert_true(*reason_kind((enum reason)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(reason_word((enum reason)i),
						reason_word((enum reason)j));
	}
	assert_string_equal(reason_word(REASON_ORIGIN_EXPIRED), "origin-expired");
	assert_string_equal(reason_kind(REASON_ORIGIN_EXPIRED), "server");
	assert_string_equal(reason_word(REASON_COUNT), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additions_follow_each_other),
		cmocka_unit_test(numbers_reach_both_ends),
		cmocka_unit_test(what_fits_exactly_is_not_full),
		cmocka_unit_test(too_much_is_cut_and_remembered),
		cmocka_unit_test(after_a_gap_nothing_is_added),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(invalid_utf8_is_replaced),
		cmocka_unit_test(a_cut_json_string_is_noticed),
		cmocka_unit_test(every_reason_has_its_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
