// link: collection -lyaml -lz -lzstd -llzma -lidn2 -lseccomp
/* Every policy in tests/unit/policies with the messages it must give. `policies_test --write`
 * writes the .expected files anew, to be read by a person before they are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/supervisor/collection.h"

enum { OUTPUT_SIZE = 1 << 16 };

static void note(void *context, enum severity severity, const struct place *place,
		 const char *message)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s:%u:%u: %s: %s\n", place->file, place->line, place->column,
		 severity == SEVERITY_ERROR ? "error" : "warning", message);
	text_add(context, line);
}

/* What the owner would see, and whether the policy was taken. */
static void judge(const char *path, char output[static OUTPUT_SIZE])
{
	struct collection_settings lists = { .report = note };
	struct sources *sources = sources_read(path);
	struct policy *policy;
	struct text text;

	assert_non_null(sources);
	text_begin(&text, output, OUTPUT_SIZE);
	policy = config_parse(sources, note, &text);
	lists.context = &text;
	if (policy)
		assert_int_equal(collection_load(policy, &lists), 0);
	/* As `check` judges; the daemon takes the policy and keeps the list's last good entries. */
	text_add(&text, policy && !strstr(output, ": error: ") ? "taken\n" : "refused\n");
	policy_release(policy);
}

static const char *expected_path(const char *path)
{
	static char expected[512];

	snprintf(expected, sizeof(expected), "%.*s.expected", (int)(strlen(path) - 5), path);
	return expected;
}

static void check_policy(void **state)
{
	static char output[OUTPUT_SIZE];
	static char expected[OUTPUT_SIZE];
	FILE *file = fopen(expected_path(*state), "r");
	size_t length;

	judge(*state, output);
	if (!file)
		fail_msg("%s is missing", expected_path(*state));
	length = fread(expected, 1, sizeof(expected) - 1, file);
	fclose(file);
	expected[length] = '\0';
	assert_string_equal(output, expected);
}

static void write_expected(const char *path)
{
	static char output[OUTPUT_SIZE];
	FILE *file = fopen(expected_path(path), "w");

	if (!file)
		exit(EXIT_FAILURE);
	judge(path, output);
	fputs(output, file);
	fclose(file);
}

int main(int count, char **words)
{
	static struct CMUnitTest tests[512];
	char folder[256];
	glob_t paths;
	char *slash;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	snprintf(folder, sizeof(folder), "%s", __FILE__);
	slash = strrchr(folder, '/');
	strcpy(slash ? slash + 1 : folder, "policies");
	if (chdir(folder) != 0 || glob("*.yaml", 0, NULL, &paths) != 0 || paths.gl_pathc > 512)
		return EXIT_FAILURE;
	for (size_t i = 0; i < paths.gl_pathc; i++) {
		if (count > 1 && strcmp(words[1], "--write") == 0)
			write_expected(paths.gl_pathv[i]);
		tests[i] = (struct CMUnitTest){ paths.gl_pathv[i], check_policy, NULL, NULL,
						paths.gl_pathv[i] };
	}
	count = _cmocka_run_group_tests("policies", tests, paths.gl_pathc, NULL, NULL);
	globfree(&paths);
	return count;
}
