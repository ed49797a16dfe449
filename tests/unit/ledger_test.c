// link: daemon/packet/ledger.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/packet/ledger.h"

enum { FLOWS = 300, STEPS = 30000 };

static struct ledger_flow number(unsigned i)
{
	struct ledger_flow flow = {
		.client = { .family = AF_INET, .port = (uint16_t)(i / 2), .bytes = { 192, 0, 2, 1 } },
		.server = { .family = AF_INET6, .port = 443, .bytes = { 0x20, 1, (uint8_t)(i >> 16) } },
		.datagrams = i % 2,
	};

	return flow;
}

static void a_flow_is_taken_once(void **state)
{
	const struct ledger_flow one = number(1), other = number(2);
	struct ledger *ledger = *state;

	assert_int_equal(ledger_take(ledger, &one), 0);
	assert_int_equal(ledger_note(ledger, &one, 7), 0);
	assert_int_equal(ledger_take(ledger, &other), 0);
	assert_int_equal(ledger_take(ledger, &one), 7);
	assert_int_equal(ledger_take(ledger, &one), 0);
	assert_int_equal(ledger_note(ledger, &one, 8), 0);
	assert_int_equal(ledger_note(ledger, &one, 9), 8);
	assert_false(ledger_is_empty(ledger));
	assert_int_equal(ledger_take(ledger, &one), 9);
	assert_true(ledger_is_empty(ledger));
}

static void the_oldest_gives_way(void **state)
{
	struct ledger *ledger = *state;
	struct ledger_flow flow;

	for (unsigned i = 0; i < 3 * LEDGER_MAX; i++) {
		flow = number(i);
		assert_int_equal(ledger_note(ledger, &flow, i + 1),
				 i < LEDGER_MAX ? 0 : i + 1 - LEDGER_MAX);
	}
	for (unsigned i = 0; i < 3 * LEDGER_MAX; i++) {
		flow = number(i);
		assert_int_equal(ledger_take(ledger, &flow), i < 2 * LEDGER_MAX ? 0 : i + 1);
	}
}

/* The twin: an id for each flow. */
static void it_says_what_a_plain_array_says(void **state)
{
	static uint64_t twin[FLOWS];
	struct ledger *ledger = *state;

	srandom(1);
	for (uint64_t step = 1; step < STEPS; step++) {
		unsigned i = (unsigned)random() % FLOWS;
		const struct ledger_flow flow = number(i);

		if (random() % 2) {
			assert_int_equal(ledger_note(ledger, &flow, step), twin[i]);
			twin[i] = step;
		} else {
			assert_int_equal(ledger_take(ledger, &flow), twin[i]);
			twin[i] = 0;
		}
	}
}

static int begin(void **state)
{
	*state = ledger_new();
	return *state ? 0 : -1;
}

static int end(void **state)
{
	ledger_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flow_is_taken_once, begin, end),
		cmocka_unit_test_setup_teardown(the_oldest_gives_way, begin, end),
		cmocka_unit_test_setup_teardown(it_says_what_a_plain_array_says, begin, end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
