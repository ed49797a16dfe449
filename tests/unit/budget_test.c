// link: daemon/budget.c daemon/address.c
/* A device has its connections and its handshakes, and no more; others are not touched by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/budget.h"

static struct address address_of(const char *text)
{
	struct address address = { .family = AF_UNSPEC };

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static void connections_are_counted_by_device(void **state)
{
	const struct address one = address_of("192.0.2.1"), other = address_of("2001:db8::1");
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct budget *budget = budget_new();
	struct share *first, *second;

	(void)state;
	first = budget_join(budget, &one, mac, 2);
	second = budget_join(budget, &other, mac, 2);
	assert_non_null(first);
	assert_ptr_equal(first, second);
	assert_null(budget_join(budget, &one, mac, 2));
	/* Without the MAC it is another device. */
	assert_non_null(budget_join(budget, &one, NULL, 2));
	budget_leave(first);
	assert_ptr_equal(budget_join(budget, &one, mac, 2), first);
	budget_free(budget);
}

static void handshakes_come_at_a_rate(void **state)
{
	const struct address one = address_of("192.0.2.1");
	struct budget *budget = budget_new();
	struct share *share = budget_join(budget, &one, NULL, 10);
	int64_t now = 1000000000;
	int passed = 0;

	(void)state;
	while (budget_handshake(share, 10, now) && passed < 1000)
		passed++;
	assert_int_equal(passed, 10 * BUDGET_BURST);
	assert_false(budget_handshake(share, 10, now + 50000));
	assert_true(budget_handshake(share, 10, now + 150000));
	for (passed = 0; budget_handshake(share, 10, now + 3600000000LL) && passed < 1000;)
		passed++;
	assert_int_equal(passed, 10 * BUDGET_BURST);
	budget_free(budget);
}

static void those_without_connections_give_way(void **state)
{
	struct budget *budget = budget_new();
	struct address address = address_of("10.0.0.0");
	struct share *kept = budget_join(budget, &address, NULL, 1);

	(void)state;
	for (uint32_t i = 1; i < 3 * SHARES_MAX; i++) {
		struct share *share;

		address.v4.s_addr = htonl(0x0a000000 + i);
		share = budget_join(budget, &address, NULL, 1);
		assert_non_null(share);
		budget_leave(share);
	}
	address.v4.s_addr = htonl(0x0a000000);
	assert_null(budget_join(budget, &address, NULL, 1));
	budget_leave(kept);
	assert_ptr_equal(budget_join(budget, &address, NULL, 1), kept);
	budget_free(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_counted_by_device),
		cmocka_unit_test(handshakes_come_at_a_rate),
		cmocka_unit_test(those_without_connections_give_way),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
