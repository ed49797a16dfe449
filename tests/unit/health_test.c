// link: daemon/health.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "daemon/health.h"

static const char server[] = "a.example:443";

static void who_fails_is_left_alone_for_ever_longer(void **state)
{
	struct health *health = *state;
	int64_t now = 1000;

	assert_int_equal(health_wait(health, server), 0);
	assert_true(health_failed(health, server, now, 60000000));
	assert_int_equal(health_wait(health, server), now + BACK_OFF_FIRST);
	assert_false(health_failed(health, server, now + 1, 60000000));
	assert_int_equal(health_wait(health, server), now + BACK_OFF_FIRST);
	now += BACK_OFF_FIRST;
	assert_false(health_failed(health, server, now, 60000000));
	assert_int_equal(health_wait(health, server), now + 2 * BACK_OFF_FIRST);
	assert_true(health_reached(health, server));
	assert_false(health_reached(health, server));
	assert_int_equal(health_wait(health, server), 0);
}

static void a_check_has_the_last_word(void **state)
{
	struct health *health = *state;

	assert_true(health_hold(health, server, 90000000));
	assert_false(health_hold(health, server, 95000000));
	assert_int_equal(health_wait(health, server), 95000000);
	assert_false(health_failed(health, server, 1000, 60000000));
	assert_int_equal(health_wait(health, server), 95000000);
	assert_true(health_reached(health, server));
}

static void more_servers_than_room_forget_the_soonest(void **state)
{
	struct health *health = *state;
	char name[32];

	for (int i = 0; i < 4 * HEALTH_MAX; i++) {
		snprintf(name, sizeof(name), "server-%d", i);
		health_hold(health, name, 1000 + i);
	}
	assert_int_equal(health_wait(health, name), 1000 + 4 * HEALTH_MAX - 1);
}

static int begin(void **state)
{
	*state = health_open();
	return *state ? 0 : -1;
}

static int end(void **state)
{
	health_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_fails_is_left_alone_for_ever_longer, begin, end),
		cmocka_unit_test_setup_teardown(a_check_has_the_last_word, begin, end),
		cmocka_unit_test_setup_teardown(more_servers_than_room_forget_the_soonest, begin, end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
