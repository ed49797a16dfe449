// link: daemon/journal/recent.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/journal/recent.h"

enum { BOUND = 64 };

static void add(struct recent *recent, const char *lines)
{
	recent_add(recent, lines, strlen(lines));
}

static void assert_kept(const struct recent *recent, const char *lines)
{
	size_t length;
	const char *kept = recent_lines(recent, &length);

	assert_int_equal(length, strlen(lines));
	assert_memory_equal(kept, lines, length);
}

static void the_newest_lines_stay_whole(void **state)
{
	struct recent *recent = recent_new(BOUND);
	char line[32];

	(void)state;
	assert_kept(recent, "");
	add(recent, "one\ntwo\n");
	add(recent, "three\n");
	assert_kept(recent, "one\ntwo\nthree\n");
	for (int i = 0; i < 1000; i++) {
		const char *kept, *last;
		size_t length;

		snprintf(line, sizeof(line), "%0*d\n", 1 + i % 20, i);
		add(recent, line);
		kept = recent_lines(recent, &length);
		assert_true(length <= BOUND && length >= strlen(line));
		last = kept + length - strlen(line);
		assert_memory_equal(last, line, strlen(line));
		assert_true(last == kept || last[-1] == '\n');
	}
	recent_free(recent);
}

static void what_fits_alone_is_kept_alone(void **state)
{
	char most[BOUND + 1], more[BOUND + 2];
	struct recent *recent = recent_new(BOUND);

	(void)state;
	memset(most, 'x', BOUND);
	strcpy(most + BOUND - 1, "\n");
	memset(more, 'y', BOUND + 1);
	strcpy(more + BOUND, "\n");
	add(recent, "one\n");
	add(recent, most);
	assert_kept(recent, most);
	add(recent, more);
	assert_kept(recent, most);
	add(recent, "two\n");
	assert_kept(recent, "two\n");
	recent_free(recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_lines_stay_whole),
		cmocka_unit_test(what_fits_alone_is_kept_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
