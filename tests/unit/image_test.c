// link: daemon/upgrade/image.c
/* The head of an image: what firmware/bundle writes is read, anything else is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/upgrade/image.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FIRST "headgate-image 1\ntarget arm64\nversion 0.1.0\nkernel 6.1.0-56\n"
#define PARTS "linux 100 " DIGEST "\nstage1 200 " DIGEST "\nroot 4294967295 " DIGEST "\n"
#define LAST "signature " DIGEST DIGEST "\n\n"

static const char good[] = FIRST PARTS LAST;

static void a_head_is_read(void **state)
{
	struct image image;

	(void)state;
	assert_int_equal(image_head_length(good, strlen(good)), strlen(good));
	assert_true(image_parse(&image, good, strlen(good)));
	assert_string_equal(image.target, "arm64");
	assert_string_equal(image.version, "0.1.0");
	assert_string_equal(image.kernel, "6.1.0-56");
	assert_int_equal(image.size[IMAGE_LINUX], 100);
	assert_int_equal(image.size[IMAGE_ROOT], UINT32_MAX);
	assert_int_equal(image.digest[IMAGE_STAGE1][1], 0x23);
	assert_int_equal(image.signature[63], 0xef);
	assert_int_equal(image.signed_length, strlen(FIRST PARTS));
}

static void a_head_ends_at_its_empty_line(void **state)
{
	(void)state;
	assert_int_equal(image_head_length("a\n\nb\n\n", 6), 3);
	for (size_t length = 0; length < strlen(good); length++)
		assert_int_equal(image_head_length(good, length), 0);
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"headgate-image 2\n",
		"headgate-image 1\ntarget \nversion 1\n",
		FIRST PARTS "signature " DIGEST "\n\n",
		FIRST PARTS LAST "x",
		FIRST "linux 0 " DIGEST "\nstage1 200 " DIGEST "\nroot 3 " DIGEST "\n" LAST,
		FIRST "linux 4294967296 " DIGEST "\nstage1 2 " DIGEST "\nroot 3 " DIGEST "\n" LAST,
		FIRST "linux -1 " DIGEST "\nstage1 200 " DIGEST "\nroot 3 " DIGEST "\n" LAST,
		FIRST "stage1 200 " DIGEST "\nlinux 1 " DIGEST "\nroot 3 " DIGEST "\n" LAST,
		FIRST LAST,
	};
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(image_parse(&image, bad[i], strlen(bad[i])));
	for (size_t length = 0; length < strlen(good); length++)
		assert_false(image_parse(&image, good, length));
}

static void words_have_a_bound(void **state)
{
	char head[1024];
	struct image image;

	(void)state;
	for (int length = IMAGE_WORD - 2; length < IMAGE_WORD + 2; length++) {
		int whole = snprintf(head, sizeof head,
				     "headgate-image 1\ntarget %0*d\nversion 1\nkernel 6\n" PARTS LAST,
				     length, 7);

		assert_int_equal(image_parse(&image, head, (size_t)whole), length < IMAGE_WORD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read),
		cmocka_unit_test(a_head_ends_at_its_empty_line),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(words_have_a_bound),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
