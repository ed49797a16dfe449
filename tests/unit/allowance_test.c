// link: daemon/allowance.c daemon/spare.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/allowance.h"

enum { PIECES = 64, ROUNDS = 100000, MOST = 100000, PAGE = 4096 };

static void no_more_is_held_than_most(void **state)
{
	struct allowance allowance = { .most = MOST };
	void *pieces[PIECES] = { NULL };
	size_t refusals = 0;
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t which = (size_t)rand_r(&seed) % PIECES;
		size_t size = 1 + (size_t)rand_r(&seed) % 8192;
		void *made;

		if (i % 3 == 0) {
			allowance_free(&allowance, pieces[which]);
			pieces[which] = NULL;
			continue;
		}
		made = allowance_resize(&allowance, pieces[which], size);
		assert_true(allowance.used < allowance.most + PAGE);
		if (!made) {
			refusals++;
			continue;
		}
		memset(made, 0xff, size);
		pieces[which] = made;
	}
	assert_true(refusals > ROUNDS / 100 && refusals < ROUNDS);
	assert_true(allowance.refused);
	for (size_t i = 0; i < PIECES; i++)
		allowance_free(&allowance, pieces[i]);
	assert_int_equal(allowance.used, 0);
}

static void what_is_refused_leaves_the_old_piece_as_it_was(void **state)
{
	struct allowance allowance = { .most = 4096 };
	char *piece = allowance_resize(&allowance, NULL, 16);
	size_t used = allowance.used;

	(void)state;
	assert_non_null(piece);
	strcpy(piece, "as it was");
	errno = 0;
	assert_null(allowance_resize(&allowance, piece, SIZE_MAX / 2));
	assert_int_equal(errno, ENOMEM);
	assert_null(allowance_resize(&allowance, piece, 4097));
	assert_string_equal(piece, "as it was");
	assert_int_equal(allowance.used, used);
	allowance_free(&allowance, piece);
}

static void a_smaller_piece_is_never_refused(void **state)
{
	struct allowance allowance = { .most = 4096 };
	char *piece = allowance_resize(&allowance, NULL, 2000);

	(void)state;
	assert_non_null(piece);
	allowance.most = 0;
	piece = allowance_resize(&allowance, piece, 100);
	assert_non_null(piece);
	assert_false(allowance.refused);
	allowance_free(&allowance, piece);
	assert_int_equal(allowance.used, 0);
}

static void messages_leave_an_eighth_for_the_rest(void **state)
{
	struct allowance allowance = { .most = 8000 };
	char *message = allowance_grow(&allowance, NULL, 6900);
	char *frame;

	(void)state;
	assert_non_null(message);
	assert_false(allowance_is_tight(&allowance));
	assert_null(allowance_grow(&allowance, NULL, 500));
	frame = allowance_resize(&allowance, NULL, 500);
	assert_non_null(frame);
	assert_true(allowance_is_tight(&allowance));
	allowance_free(&allowance, message);
	allowance_free(&allowance, frame);
	assert_false(allowance_is_tight(NULL));
}

static void new_is_zero_and_nobody_may_count(void **state)
{
	static const char zero[100];
	char *piece = allowance_new(NULL, sizeof(zero));

	(void)state;
	assert_memory_equal(piece, zero, sizeof(zero));
	allowance_free(NULL, piece);
	allowance_free(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_is_held_than_most),
		cmocka_unit_test(what_is_refused_leaves_the_old_piece_as_it_was),
		cmocka_unit_test(a_smaller_piece_is_never_refused),
		cmocka_unit_test(messages_leave_an_eighth_for_the_rest),
		cmocka_unit_test(new_is_zero_and_nobody_may_count),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
