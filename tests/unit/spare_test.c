// link: daemon/spare.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/spare.h"

enum { PIECES = 64, ROUNDS = 100000 };

static void a_block_comes_back_to_who_asks_for_its_size(void **state)
{
	void *one, *other;

	(void)state;
	spare_keep(10000);
	one = spare_take(1928);
	other = spare_take(24);
	spare_give(one);
	spare_give(other);
	assert_ptr_equal(spare_take(24), other);
	assert_ptr_equal(spare_take(1920), one);
	spare_give(one);
	spare_give(other);
	spare_keep(0);
}

static void nothing_is_kept_beyond_the_bound_nor_without_one(void **state)
{
	struct mallinfo2 before, after;
	void *blocks[100];

	(void)state;
	before = mallinfo2();
	for (int most = 0; most <= 5000; most += 5000) {
		spare_keep((size_t)most);
		for (size_t i = 0; i < 100; i++)
			blocks[i] = spare_take(3000);
		for (size_t i = 0; i < 100; i++)
			spare_give(blocks[i]);
		after = mallinfo2();
		assert_true(after.uordblks <= before.uordblks + (size_t)most + 1100 * 16);
	}
	spare_keep(0);
}

static void what_is_written_is_read_again(void **state)
{
	struct {
		unsigned char *bytes;
		size_t size;
		unsigned char mark;
	} pieces[PIECES] = { 0 };
	unsigned seed = 1;

	(void)state;
	spare_keep(20000);
	for (int i = 0; i < ROUNDS; i++) {
		size_t which = (size_t)rand_r(&seed) % PIECES, size = 1 + (size_t)rand_r(&seed) % 5000;

		for (size_t j = 0; j < pieces[which].size; j++)
			assert_int_equal(pieces[which].bytes[j], pieces[which].mark);
		if (i % 3 == 0) {
			spare_give(pieces[which].bytes);
			pieces[which].bytes = spare_take(size);
		} else {
			unsigned char *moved = spare_resize(pieces[which].bytes, size);
			size_t same = size < pieces[which].size ? size : pieces[which].size;

			for (size_t j = 0; j < same; j++)
				assert_int_equal(moved[j], pieces[which].mark);
			pieces[which].bytes = moved;
		}
		assert_non_null(pieces[which].bytes);
		pieces[which].size = size;
		pieces[which].mark = (unsigned char)rand_r(&seed);
		memset(pieces[which].bytes, pieces[which].mark, size);
		if (i == ROUNDS / 2)
			spare_keep(0);
		if (i == ROUNDS * 2 / 3)
			spare_keep(20000);
	}
	for (size_t i = 0; i < PIECES; i++)
		spare_give(pieces[i].bytes);
	spare_keep(0);
	spare_give(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_comes_back_to_who_asks_for_its_size),
		cmocka_unit_test(nothing_is_kept_beyond_the_bound_nor_without_one),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
