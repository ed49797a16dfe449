// link: daemon/policy/schedule.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/policy/schedule.h"

enum { MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY };

#define AT(hour, minute) ((hour)*60 + (minute))

static struct schedule parse(const char *text)
{
	struct schedule schedule;

	if (schedule_parse(&schedule, text) != 0)
		fail_msg("\"%s\" is not taken", text);
	return schedule;
}

static void a_window_holds_on_its_days(void **state)
{
	struct schedule work = parse("mon-fri 08:00-17:30");

	(void)state;
	assert_true(schedule_holds(&work, MONDAY, AT(8, 0)));
	assert_true(schedule_holds(&work, FRIDAY, AT(17, 29)));
	assert_false(schedule_holds(&work, FRIDAY, AT(17, 30)));
	assert_false(schedule_holds(&work, MONDAY, AT(7, 59)));
	assert_false(schedule_holds(&work, SATURDAY, AT(12, 0)));
}

static void a_night_belongs_to_the_day_it_starts_on(void **state)
{
	struct schedule night = parse("fri,sun 21:00-06:30");

	(void)state;
	assert_true(schedule_holds(&night, FRIDAY, AT(21, 0)));
	assert_true(schedule_holds(&night, SATURDAY, AT(6, 29)));
	assert_false(schedule_holds(&night, SATURDAY, AT(6, 30)));
	assert_false(schedule_holds(&night, SATURDAY, AT(22, 0)));
	assert_true(schedule_holds(&night, MONDAY, AT(0, 0)));
	assert_false(schedule_holds(&night, FRIDAY, AT(3, 0)));
}

static void either_part_may_be_left_out(void **state)
{
	struct schedule weekend = parse("sat-sun");
	struct schedule evening = parse("18:00-24:00");
	struct schedule midnight = parse("22:00-00:00");
	struct schedule over_sunday = parse("sat-mon");

	(void)state;
	assert_true(schedule_holds(&weekend, SATURDAY, 0));
	assert_true(schedule_holds(&weekend, SUNDAY, AT(23, 59)));
	assert_false(schedule_holds(&weekend, MONDAY, 0));
	assert_true(schedule_holds(&evening, WEDNESDAY, AT(23, 59)));
	assert_false(schedule_holds(&evening, THURSDAY, 0));
	assert_true(schedule_holds(&midnight, WEDNESDAY, AT(23, 59)));
	assert_false(schedule_holds(&midnight, THURSDAY, 0));
	assert_true(schedule_holds(&over_sunday, MONDAY, 0));
	assert_false(schedule_holds(&over_sunday, TUESDAY, 0));
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"mon-",
		"mon,",
		"mon-fri ,",
		"monday",
		"mon 21:00",
		"21:00",
		"21:00-",
		"24:00-06:00",
		"7:00-8:00",
		"07:00-08:60",
		"07:00-24:01",
		"07:00-07:00",
		"00:00-00:00",
		"xyz",
		"mon 07:00-08x",
		"07:00-08:00 mon",
		"mon07:00-08:00",
	};
	struct schedule schedule;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (schedule_parse(&schedule, texts[i]) == 0)
			fail_msg("\"%s\" is taken", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_holds_on_its_days),
		cmocka_unit_test(a_night_belongs_to_the_day_it_starts_on),
		cmocka_unit_test(either_part_may_be_left_out),
		cmocka_unit_test(nonsense_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
