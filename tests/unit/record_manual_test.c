// link: tests/unit/specimen.c record -ljansson
/* The manual says what every member, event and reason is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/specimen.h"

static char *manual(void)
{
	FILE *file = fopen("docs/journal.md", "r");
	char *content = calloc(1, 1 << 18);

	if (!file)
		fail_msg("docs/journal.md cannot be read: run tests from the root of the tree");
	assert_true(fread(content, 1, (1 << 18) - 1, file) > 0);
	fclose(file);
	return content;
}

static void must_say(const char *content, const char *words)
{
	if (!strstr(content, words))
		fail_msg("docs/journal.md lacks: %s", words);
}

static void must_describe(const char *content, json_t *value)
{
	char quoted[64];
	const char *name;
	json_t *member;
	size_t index;

	json_array_foreach(value, index, member)
	{
		must_describe(content, member);
	}
	json_object_foreach(value, name, member)
	{
		snprintf(quoted, sizeof quoted, "`%s`", name);
		must_say(content, quoted);
		must_describe(content, member);
	}
}

static void the_manual_describes_every_member(void **state)
{
	char *content = manual();
	json_t *line;

	(void)state;
	upstream = (struct upstream){ .name = "exit", .proxy.through = THROUGH_HTTP };
	rule = (struct rule){ .name = "r", .verdict = VERDICT_BLOCK, .upstream = &upstream };
	endpoint_fail(&server, REASON_ORIGIN_EXPIRED, "detail");
	line = event_line(EVENT_RESPONSE, &exchange);
	must_describe(content, line);
	json_decref(line);
	text_begin(&text, storage, sizeof storage);
	line = connection_line();
	must_describe(content, line);
	json_decref(line);
	text_begin(&text, storage, sizeof storage);
	line = exchange_line(true);
	must_describe(content, line);
	json_decref(line);
	free(content);
}

static void the_manual_has_every_event_and_reason(void **state)
{
	char *content = manual();
	char row[256];

	(void)state;
	for (unsigned kind = 0; kind < EVENT_COUNT; kind++) {
		snprintf(row, sizeof row, "`%s`", event_word(kind));
		must_say(content, row);
	}
	for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
		snprintf(row, sizeof row, "\n| `%s` | %s | %s |\n", reason_word(reason),
			 reason_kind(reason), reason_sentence(reason));
		must_say(content, row);
	}
	free(content);
}

int main(void)
{
#define WITH_SPECIMEN(test) cmocka_unit_test_setup_teardown(test, specimen_begin, specimen_end)
	const struct CMUnitTest tests[] = {
		WITH_SPECIMEN(the_manual_describes_every_member),
		WITH_SPECIMEN(the_manual_has_every_event_and_reason),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
