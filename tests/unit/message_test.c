// link: daemon/allowance.c daemon/spare.c daemon/http/message.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "daemon/http/message.h"

static void add(struct head *head, const char *name, const char *value)
{
	assert_int_equal(head_add_field(head, name, strlen(name), value, strlen(value)), 0);
}

static int begin(void **state)
{
	static struct head head;

	head_begin(&head, NULL);
	*state = &head;
	return 0;
}

static int end(void **state)
{
	head_end(*state);
	return 0;
}

static void fields_are_found_without_case_and_in_order(void **state)
{
	struct head *head = *state;

	add(head, "Accept", "a");
	add(head, "ACCEPT", "b");
	add(head, "Accept-Language", "c");
	assert_string_equal(head_find(head, "accept", 0), "a");
	assert_string_equal(head_find(head, "accept", 1), "b");
	assert_null(head_find(head, "accept", 2));
	assert_null(head_find(head, "accep", 0));
}

static void removing_takes_every_field_of_the_name(void **state)
{
	struct head *head = *state;

	add(head, "A", "1");
	add(head, "B", "2");
	add(head, "a", "3");
	assert_int_equal(head_remove(head, "A"), 2);
	assert_int_equal(head_remove(head, "A"), 0);
	assert_int_equal(head->field_count, 1);
	assert_string_equal(head_find(head, "b", 0), "2");
}

static void tokens_of_lists_are_found_over_several_fields(void **state)
{
	struct head *head = *state;

	add(head, "Connection", ", keep-alive ,\tUPGRADE,,");
	add(head, "Connection", "x");
	assert_true(head_has_token(head, "connection", "keep-alive"));
	assert_true(head_has_token(head, "connection", "upgrade"));
	assert_true(head_has_token(head, "connection", "x"));
	assert_false(head_has_token(head, "connection", "keep"));
	assert_false(head_has_token(head, "connection", ""));
	assert_false(head_has_token(head, "upgrade", "x"));
}

static void text_stops_at_its_limit(void **state)
{
	struct head *head = *state;
	char block[1024];
	size_t added = 0;

	memset(block, 'x', sizeof(block));
	while (head_add_text(head, block, sizeof(block)))
		added++;
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(added, 63);
	assert_true(head->text_size <= HEAD_MAX);
	assert_int_equal(head_extend_text(head, block, sizeof(block)), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(head_add_text(head, block, SIZE_MAX), 0);
}

static void fields_stop_at_their_limit(void **state)
{
	struct head *head = *state;

	for (size_t i = 0; i < FIELDS_MAX; i++)
		add(head, "a", "");
	assert_int_equal(head_add_field(head, "a", 1, "", 0), -1);
	assert_int_equal(errno, EMSGSIZE);
}

static void own_text_can_be_added_again_while_it_grows(void **state)
{
	struct head *head = *state;
	uint32_t offset = head_add_text(head, "0123456789abcdef", 16);

	for (int i = 0; i < 200; i++) {
		offset = head_add_text(head, head->text + offset, 16);
		assert_string_equal(head_text(head, offset), "0123456789abcdef");
	}
}

static void clearing_keeps_only_the_storage(void **state)
{
	struct head *head = *state;

	add(head, "A", "1");
	head->status = 200;
	head_clear(head);
	assert_int_equal(head->field_count, 0);
	assert_int_equal(head->status, 0);
	assert_non_null(head->text);
	assert_string_equal(head_text(head, 1), "");
	add(head, "B", "2");
	assert_string_equal(head_find(head, "b", 0), "2");
}

static void nothing_reads_as_empty_text(void **state)
{
	struct head *head = *state;

	assert_string_equal(head_text(head, 0), "");
	assert_string_equal(head_text(head, 77), "");
	assert_true(head_add_text(head, "", 0) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fields_are_found_without_case_and_in_order, begin,
						end),
		cmocka_unit_test_setup_teardown(removing_takes_every_field_of_the_name, begin, end),
		cmocka_unit_test_setup_teardown(tokens_of_lists_are_found_over_several_fields,
						begin, end),
		cmocka_unit_test_setup_teardown(text_stops_at_its_limit, begin, end),
		cmocka_unit_test_setup_teardown(fields_stop_at_their_limit, begin, end),
		cmocka_unit_test_setup_teardown(own_text_can_be_added_again_while_it_grows, begin,
						end),
		cmocka_unit_test_setup_teardown(clearing_keeps_only_the_storage, begin, end),
		cmocka_unit_test_setup_teardown(nothing_reads_as_empty_text, begin, end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
