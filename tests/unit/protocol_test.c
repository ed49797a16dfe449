// link: daemon/protocol.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/protocol.h"

static void each_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < PROTOCOL_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(protocol_word((enum protocol)i), protocol_word((enum protocol)j));
	assert_string_equal(protocol_word(PROTOCOL_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_a_word_of_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
