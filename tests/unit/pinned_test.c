// link: daemon/tls/pinned.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/pinned.h"

enum { NOW = 1800000000, DAY = 86400 };

static const struct pinned_subject bank = { "phone", "api.bank.example", "t13d1516h2_a_b" };

static unsigned count(const struct pinned *table)
{
	struct pinned_entry entry;
	unsigned found = 0;

	for (unsigned i = 0; i < PINNED_MAX; i++)
		found += pinned_read(table, i, &entry);
	return found;
}

static void three_refusals_make_a_pass(void **state)
{
	struct pinned *table = pinned_new();
	struct pinned_entry entry;

	(void)state;
	assert_false(pinned_passes(table, &bank, NOW));
	assert_false(pinned_refuse(table, &bank, "unknown CA", DAY, NOW));
	assert_false(pinned_refuse(table, &bank, "unknown CA", DAY, NOW + 1));
	assert_false(pinned_passes(table, &bank, NOW + 2));
	assert_true(pinned_refuse(table, &bank, "bad certificate", DAY, NOW + 2));
	assert_true(pinned_passes(table, &bank, NOW + 3));
	assert_true(pinned_passes(table, &bank, NOW + DAY + 1));
	assert_true(pinned_read(table, 0, &entry));
	assert_string_equal(entry.device, "phone");
	assert_string_equal(entry.name, "api.bank.example");
	assert_string_equal(entry.alert, "bad certificate");
	assert_int_equal(entry.refusals, 3);
	assert_int_equal(entry.passed, 2);
	assert_int_equal(entry.until, NOW + 2 + DAY);
}

/* After its time one connection is tried again; what it says decides. */
static void a_pass_ends_and_is_tried_again(void **state)
{
	struct pinned *table = pinned_new();

	(void)state;
	for (int i = 0; i < PINNED_REFUSALS; i++)
		pinned_refuse(table, &bank, "unknown CA", DAY, NOW);
	assert_false(pinned_passes(table, &bank, NOW + DAY));
	assert_true(pinned_refuse(table, &bank, "unknown CA", DAY, NOW + DAY));
	assert_true(pinned_passes(table, &bank, NOW + DAY + 1));
	assert_false(pinned_passes(table, &bank, NOW + 2 * DAY));
	pinned_accept(table, &bank);
	assert_int_equal(count(table), 0);
	assert_false(pinned_passes(table, &bank, NOW + 2 * DAY));
}

static void a_rule_that_does_not_learn_counts_only(void **state)
{
	struct pinned *table = pinned_new();
	struct pinned_entry entry;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(pinned_refuse(table, &bank, "unknown CA", 0, NOW));
	assert_false(pinned_passes(table, &bank, NOW));
	assert_true(pinned_read(table, 0, &entry));
	assert_int_equal(entry.refusals, 10);
}

static void device_name_and_program_all_count(void **state)
{
	const struct pinned_subject others[] = {
		{ "tablet", "api.bank.example", "t13d1516h2_a_b" },
		{ "phone", "www.bank.example", "t13d1516h2_a_b" },
		{ "phone", "api.bank.example", "t13d1516h2_c_d" },
	};
	struct pinned *table = pinned_new();

	(void)state;
	for (int i = 0; i < PINNED_REFUSALS; i++)
		pinned_refuse(table, &bank, "unknown CA", DAY, NOW);
	for (int i = 0; i < 3; i++)
		assert_false(pinned_passes(table, &others[i], NOW + 1));
	assert_true(pinned_passes(table, &bank, NOW + 1));
}

static void the_table_is_bounded(void **state)
{
	struct pinned *table = pinned_new();
	char name[64];

	(void)state;
	pinned_refuse(table, &bank, "unknown CA", DAY, NOW - 1);
	for (int i = 0; i < 3 * PINNED_MAX; i++) {
		snprintf(name, sizeof(name), "host-%d.example", i);
		pinned_refuse(table, &(struct pinned_subject){ "scanner", name, "ja4" },
			      "unknown CA", DAY, NOW + i);
	}
	assert_int_equal(count(table), PINNED_MAX);
}

/* Several processes at once neither tear an entry nor stop one another. */
static void processes_share_it(void **state)
{
	struct pinned *table = pinned_new();
	struct pinned_entry entry;

	(void)state;
	for (int child = 0; child < 4; child++) {
		if (fork() == 0) {
			char name[64];

			for (int i = 0; i < 2000; i++) {
				snprintf(name, sizeof(name), "host-%d.example", i % 50);
				pinned_refuse(table,
					      &(struct pinned_subject){ name, name, "ja4" }, name,
					      DAY, NOW + i);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 100000; i++) {
		if (!pinned_read(table, (unsigned)i % PINNED_MAX, &entry))
			continue;
		assert_string_equal(entry.device, entry.name);
		assert_string_equal(entry.alert, entry.name);
	}
	while (wait(NULL) > 0)
		;
	assert_true(count(table) >= 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_refusals_make_a_pass),
		cmocka_unit_test(a_pass_ends_and_is_tried_again),
		cmocka_unit_test(a_rule_that_does_not_learn_counts_only),
		cmocka_unit_test(device_name_and_program_all_count),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(processes_share_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
