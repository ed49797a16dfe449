// link: daemon/tls/tickets.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/tls/tickets.h"

#define PERIOD ((int64_t)TICKET_PERIOD_SECONDS * 1000000)

/* C11: a worker that has slept and one that has not have the same keys, and neither has the old ones. */
static void all_move_on_alike(void **state)
{
	struct tickets first, second, before;
	int64_t now = 7 * PERIOD + 5;

	(void)state;
	assert_int_equal(tickets_begin(&first, now), 0);
	before = second = first;
	assert_false(tickets_turn(&first, now + PERIOD - 6));
	assert_memory_equal(&first, &before, sizeof(first));
	for (int i = 1; i <= 5; i++)
		assert_true(tickets_turn(&first, now + i * PERIOD));
	assert_true(tickets_turn(&second, now + 5 * PERIOD));
	assert_memory_equal(first.keys, second.keys, TICKET_KEYS_SIZE);
	assert_memory_not_equal(first.keys, before.keys, 16);
	assert_memory_not_equal(first.keys + 16, before.keys + 16, 32);
	assert_memory_not_equal(first.keys + 48, before.keys + 48, 32);
	assert_false(tickets_turn(&second, now));
}

static void gateways_differ(void **state)
{
	struct tickets first, second;

	(void)state;
	tickets_begin(&first, 0);
	tickets_begin(&second, 0);
	assert_memory_not_equal(first.keys, second.keys, TICKET_KEYS_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_move_on_alike),
		cmocka_unit_test(gateways_differ),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
