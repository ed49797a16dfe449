// link: daemon/log.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

static char said[4096];
static int saved_stderr;
static int ends[2];

static void listen_to_stderr(void)
{
	assert_int_equal(pipe(ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

/* What came out on stderr since listen_to_stderr(). */
static const char *heard(void)
{
	ssize_t length;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	length = read(ends[0], said, sizeof said - 1);
	close(ends[0]);
	said[length > 0 ? length : 0] = '\0';
	return said;
}

static void a_line_names_process_and_level(void **state)
{
	(void)state;
	log_name("headgated", "worker 0");
	listen_to_stderr();
	log_warning("text %d", 7);
	assert_string_equal(heard(), "headgated[worker 0]: warning: text 7\n");
	log_name("headgatectl", NULL);
	listen_to_stderr();
	log_error("no");
	assert_string_equal(heard(), "headgatectl: error: no\n");
}

static void lines_above_the_level_are_dropped(void **state)
{
	(void)state;
	log_name("headgated", "a role with a very long name");
	log_set_level(LOG_LEVEL_WARNING);
	listen_to_stderr();
	log_info("not this");
	log_debug("nor this");
	log_warning("this");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("and this");
	assert_string_equal(heard(), "headgated[a role with a v]: warning: this\n"
				     "headgated[a role with a v]: debug: and this\n");
	log_set_level(LOG_LEVEL_INFO);
}

static void errno_is_kept_and_printable(void **state)
{
	(void)state;
	log_name("headgated", "");
	listen_to_stderr();
	errno = ENOENT;
	log_warning("open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(heard(), "headgated: warning: open: No such file or directory\n");
}

static void foreign_text_cannot_forge_a_line(void **state)
{
	static char long_text[3000];

	(void)state;
	listen_to_stderr();
	log_warning("name %s", "a\nheadgated: error: b\x1b[2J\x7f");
	assert_string_equal(heard(), "headgated: warning: name a?headgated: error: b?[2J?\n");
	memset(long_text, 'x', sizeof long_text - 1);
	listen_to_stderr();
	log_warning("%s", long_text);
	assert_int_equal(strlen(heard()), 1024);
	assert_int_equal(said[1023], '\n');
}

static void a_flood_is_counted(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	listen_to_stderr();
	for (int i = 0; i < 5; i++)
		log_warning_limited(&limit, "flood %d", i);
	assert_string_equal(heard(), "headgated: warning: flood 0\n");
	assert_int_equal(limit.left_out, 4);
	limit.last -= 11 * 1000000LL;
	listen_to_stderr();
	log_warning_limited(&limit, "flood %d", 5);
	assert_string_equal(heard(), "headgated: warning: flood 5\n"
				     "headgated: warning: 4 more of these were left out\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_names_process_and_level),
		cmocka_unit_test(lines_above_the_level_are_dropped),
		cmocka_unit_test(errno_is_kept_and_printable),
		cmocka_unit_test(foreign_text_cannot_forge_a_line),
		cmocka_unit_test(a_flood_is_counted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
