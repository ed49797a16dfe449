// link: daemon/http/websocket.c daemon/text.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/http/websocket.h"

static uint64_t count(const char *bytes, size_t length, size_t piece)
{
	struct websocket_counter counter = { 0 };

	for (size_t at = 0; at < length; at += piece)
		websocket_count(&counter,
				(struct span){ (const uint8_t *)bytes + at,
					       length - at < piece ? length - at : piece });
	return counter.messages;
}

static void whole_messages_are_counted_however_they_are_cut(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		uint64_t messages;
	} cases[] = {
#define CASE(text, messages) { text, sizeof(text) - 1, messages }
		CASE("\x81\x02hi", 1),
		CASE("\x81\x02hi\x82\x01x", 2),
		CASE("\x81\x82\x01\x02\x03\x04ik\x81\x00", 2),
		/* a ping between two fragments of one message */
		CASE("\x01\x01" "a\x89\x01p\x80\x01" "b", 1),
		CASE("\x01\x01" "a", 0),
		CASE("\x88\x02\x03\xe8", 0),
		CASE("\x81\x7e\x00\x03" "abc\x81\x01" "d", 2),
		CASE("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02" "ab\x8a\x00", 1),
		CASE("\xc1\x02hi", 1),
		/* no such opcode, no such length */
		CASE("\x83\x00\x81\x00", 0),
		CASE("\x81\x7f\xff\x00\x00\x00\x00\x00\x00\x02\x81\x00", 0),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t piece = 1; piece <= cases[i].length; piece++)
			assert_int_equal(count(cases[i].bytes, cases[i].length, piece),
					 cases[i].messages);
}

/* RFC 6455 section 1.3. */
static void keys_are_answered_as_the_standard_says(void **state)
{
	char accept[WEBSOCKET_ACCEPT_SIZE], key[WEBSOCKET_KEY_SIZE], other[WEBSOCKET_KEY_SIZE];

	(void)state;
	websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_true(websocket_key(key) && websocket_key(other));
	assert_int_equal(strlen(key), WEBSOCKET_KEY_SIZE - 1);
	assert_string_not_equal(key, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_messages_are_counted_however_they_are_cut),
		cmocka_unit_test(keys_are_answered_as_the_standard_says),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
