// link: daemon/lists/publication.c
/* A file takes the place of another whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/lists/publication.h"

static char folder[] = "/tmp/publication_test.XXXXXX";

static int begin(void **state)
{
	(void)state;
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int end(void **state)
{
	(void)state;
	unlink("kept");
	rmdir("kept");
	return chdir("/") || rmdir(folder);
}

static int publish(const char *text, int written)
{
	int descriptor = publication_open("kept");

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
	errno = written ? ENOSPC : 0;
	return publication_end("kept", descriptor, written);
}

static void holds(const char *text)
{
	char bytes[64] = "";
	FILE *file = fopen("kept", "re");

	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, sizeof bytes - 1, file), strlen(text));
	fclose(file);
	assert_string_equal(bytes, text);
	assert_int_equal(access("kept.new", F_OK), -1);
}

static void a_whole_file_takes_the_place(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(publish("one", 0), 0);
	holds("one");
	assert_int_equal(publish("another", 0), 0);
	holds("another");
	assert_int_equal(stat("kept", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
}

static void one_that_was_not_written_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(publish("one", 0), 0);
	assert_int_equal(publish("half of anoth", -1), -1);
	assert_int_equal(errno, ENOSPC);
	holds("one");
}

static void one_that_finds_no_place_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(mkdir("kept", 0700), 0);
	assert_int_equal(publish("one", 0), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(access("kept.new", F_OK), -1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_whole_file_takes_the_place),
		IN_FOLDER(one_that_was_not_written_leaves_nothing),
		IN_FOLDER(one_that_finds_no_place_leaves_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
