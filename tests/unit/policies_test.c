// link: daemon/policy/alternative_reader.c daemon/policy/condition.c daemon/policy/condition_print.c daemon/policy/condition_reach.c daemon/policy/config.c daemon/policy/decision.c daemon/policy/definitions.c daemon/policy/device.c daemon/policy/device_reader.c daemon/policy/document.c daemon/policy/edits_reader.c daemon/policy/grammar.c daemon/policy/label.c daemon/policy/list.c daemon/lists/addresses.c daemon/lists/wide.c daemon/lists/list_read.c daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/reader.c daemon/policy/list_reader.c daemon/policy/pattern.c daemon/policy/policy.c daemon/policy/port.c daemon/policy/reading.c daemon/policy/roots.c daemon/policy/rule.c daemon/policy/rule_reader.c daemon/policy/scalar.c daemon/policy/schedule.c daemon/policy/limits.c daemon/policy/limits_reader.c daemon/policy/settings.c daemon/policy/source.c daemon/policy/source_pack.c daemon/policy/source_read.c daemon/policy/suggestion.c daemon/policy/upstream.c daemon/policy/upstream_reader.c daemon/policy/when_reader.c daemon/address.c daemon/name.c daemon/protocol.c daemon/text.c daemon/reason.c daemon/certificate.c daemon/lists/names.c -lyaml -lz -lzstd -llzma -lidn2
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

#include "daemon/policy/config.h"

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
	struct sources *sources = sources_read(path);
	struct policy *policy;
	struct text text;

	assert_non_null(sources);
	text_begin(&text, output, OUTPUT_SIZE);
	policy = config_parse(sources, note, &text);
	text_add(&text, policy ? "taken\n" : "refused\n");
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
