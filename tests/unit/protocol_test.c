// link: daemon/protocol.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/protocol.h"

static void words_find_their_protocol(void **state)
{
	(void)state;
	for (int i = 0; i < PROTOCOL_COUNT; i++)
		assert_int_equal(protocol_find(protocol_word((enum protocol)i)), i);
	assert_int_equal(protocol_find("gopher"), PROTOCOL_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_find_their_protocol),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
