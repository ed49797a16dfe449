// link: daemon/lists/hash.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/lists/hash.h"

static uint64_t hash_of(const uint8_t *seed, const char *first, const char *second)
{
	struct hash hash;

	hash_begin(&hash, seed);
	hash_add(&hash, first, strlen(first));
	if (second)
		hash_add(&hash, second, strlen(second));
	return hash_value(&hash);
}

/* One piece is plain SipHash-1-3; the values are CPython's hash() of bytes with PYTHONHASHSEED=0.
 */
static void one_piece_is_siphash(void **state)
{
	static const uint8_t zeros[HASH_SEED];

	(void)state;
	assert_true(hash_of(zeros, "a", NULL) == UINT64_C(0x407448d2b89b1813));
	assert_true(hash_of(zeros, "abcdefg", NULL) == UINT64_C(0x6db12aae9070f506));
	assert_true(hash_of(zeros, "abcdefgh", NULL) == UINT64_C(0x3f7b849c0b8e35ea));
	assert_true(hash_of(zeros, "abcdefghijklmnop1", NULL) == UINT64_C(0x4b767bdd72effe26));
}

static void pieces_and_seeds_matter(void **state)
{
	static const uint8_t zeros[HASH_SEED];
	static const uint8_t other[HASH_SEED] = { [15] = 1 };

	(void)state;
	assert_true(hash_of(zeros, "ab", "c") != hash_of(zeros, "a", "bc"));
	assert_true(hash_of(zeros, "abc", "") != hash_of(zeros, "abc", NULL));
	assert_true(hash_of(zeros, "abc", NULL) != hash_of(other, "abc", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_piece_is_siphash),
		cmocka_unit_test(pieces_and_seeds_matter),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
