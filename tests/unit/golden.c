#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/golden.h"

#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MAX = 32768, NO_NAMESPACE = 77 };

char *golden_read(const char *path)
{
	char *bytes = calloc(1, FILE_MAX);
	FILE *file = fopen(path, "re");

	assert_non_null(bytes);
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(fread(bytes, 1, FILE_MAX - 1, file) > 0);
	fclose(file);
	return bytes;
}

static void write_anew(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void golden_compare(const char *input, const char *text)
{
	char path[256];
	char *expected;

	snprintf(path, sizeof(path), "%.*s.nft", (int)strcspn(input, "."), input);
	if (getenv("WRITE"))
		write_anew(path, text);
	expected = golden_read(path);
	assert_string_equal(text, expected);
	free(expected);
}

void golden_in_namespace(int (*run)(const char *text), const char *text)
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(unshare(CLONE_NEWNET) ? NO_NAMESPACE : run(text));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int golden_run(const char *name, struct CMUnitTest *first, size_t count, const char *pattern,
	       const CMUnitTestFunction tests[static 2])
{
	glob_t files;
	int failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (glob(pattern, 0, NULL, &files) || files.gl_pathc > GOLDEN_MAX)
		return EXIT_FAILURE;
	for (size_t i = 0; i < 2 * files.gl_pathc; i++) {
		char *input = files.gl_pathv[i / 2];

		first[count++] = (struct CMUnitTest){ input, tests[i % 2], NULL, NULL, input };
	}
	failed = _cmocka_run_group_tests(name, first, count, NULL, NULL);
	globfree(&files);
	return failed;
}
