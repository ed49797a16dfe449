// link: netfilter/ruleset.c netfilter/marks.c netfilter/table.c netfilter/rewriting.c netfilter/inventory.c netfilter/queue_rule.c netfilter/generation.c netfilter/netlink.c daemon/policy/port.c daemon/text.c tests/unit/golden.c -lmnl -lnftables
/* The ruleset as text, against tests/rulesets/: NAME.in is one sentence of intent and the facts,
 * NAME.nft the exact table. Each is then loaded by the real kernel, in a network namespace of its
 * own. What the rules add to it is in plan_test.c. Run from the repository root. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "netfilter/rewriting.h"
#include "netfilter/ruleset.h"
#include "netfilter/table.h"
#include "tests/unit/golden.h"

static size_t read_ranges(char *words, struct port_range *ranges)
{
	size_t count = 0;
	char *rest;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		unsigned first, last;
		int found = sscanf(word, "%u-%u", &first, &last);
		assert_true(found >= 1 && count < PORT_RANGES_MAX);
		ranges[count].first = (uint16_t)first;
		ranges[count++].last = (uint16_t)(found == 2 ? last : first);
	}
	return count;
}

static void read_fact(struct ruleset *ruleset, const char *key, char *value)
{
	struct lan_port *port = &ruleset->lan[ruleset->lan_count];
	unsigned listener;

	if (!strcmp(key, "method")) {
		ruleset->method = strcmp(value, "tproxy") ? CAPTURE_REDIRECT : CAPTURE_TPROXY;
	} else if (!strcmp(key, "when-down")) {
		ruleset->when_down = strcmp(value, "open") ? WHEN_DOWN_CLOSED : WHEN_DOWN_OPEN;
	} else if (!strcmp(key, "mark")) {
		assert_int_equal(sscanf(value, "%x/%x", &ruleset->mark, &ruleset->mark_mask), 2);
	} else if (!strcmp(key, "lan")) {
		assert_int_equal(sscanf(value, "%15s %u", port->name, &listener), 2);
		port->listener = (uint16_t)listener;
		ruleset->lan_count++;
	} else if (!strcmp(key, "tcp")) {
		ruleset->tcp_count = read_ranges(value, ruleset->tcp);
	} else {
		fail_msg("unknown fact: %s", key);
	}
}

static struct ruleset read_facts(const char *path)
{
	struct ruleset ruleset = { .lan_count = 0 };
	char *text = golden_read(path);
	char *rest;

	assert_int_equal(text[0], '#'); /* the sentence */
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *space = strchr(line, ' ');
		assert_non_null(space);
		*space = 0;
		if (line[0] != '#')
			read_fact(&ruleset, line, space + 1);
	}
	free(text);
	return ruleset;
}

static char *table_of_file(const char *input)
{
	struct ruleset ruleset = read_facts(input);
	char *rules = ruleset_print(&ruleset);

	assert_non_null(rules);
	return rules;
}

static void text_is_exact(void **state)
{
	char *rules = table_of_file(*state);

	golden_compare(*state, rules);
	free(rules);
}

static int load_in_kernel(const char *rules)
{
	char message[TABLE_MESSAGE];

	if (table_look() != TABLE_ABSENT)
		return 1;
	if (table_check(rules, message)) {
		fprintf(stderr, "# %s\n", message);
		return 2;
	}
	if (table_look() != TABLE_ABSENT)
		return 3; /* a check changed something */
	if (rewriting_put(rules, NULL, message) || table_look() != TABLE_PRESENT)
		return 4;
	if (rewriting_put(rules, NULL, message) || table_look() != TABLE_PRESENT)
		return 5; /* in its own place */
	if (system("test $(nft list tables | wc -l) = 1"))
		return 6;
	if (table_remove() || table_look() != TABLE_ABSENT)
		return 7;
	return table_remove() ? 8 : 0; /* again: nothing to do, no error */
}

static void kernel_takes_it(void **state)
{
	char *rules = table_of_file(*state);

	golden_in_namespace(load_in_kernel, rules);
	free(rules);
}

/* A text that nft refuses leaves the table of before in force, and nft's words come back. */
static int load_rubbish(const char *rules)
{
	char message[TABLE_MESSAGE];

	if (table_load(rules, message) || message[0])
		return 1;
	if (!table_load("delete table inet headgate\nadd rule inet nowhere rubbish drop\n",
			message))
		return 2;
	if (errno != EPROTO || !strstr(message, "No such file or directory"))
		return 3;
	return table_look() == TABLE_PRESENT ? 0 : 4;
}

static struct ruleset sound_facts(void)
{
	return (struct ruleset){ .method = CAPTURE_TPROXY,
				 .mark = 0x01000000,
				 .mark_mask = 0x07000000,
				 .lan_count = 1,
				 .lan = { { "br-lan", 15001 } },
				 .tcp_count = 1,
				 .tcp = { { 443, 443 } } };
}

static void refused_text_changes_nothing(void **state)
{
	struct ruleset ruleset = sound_facts();
	char *rules = ruleset_print(&ruleset);

	(void)state;
	golden_in_namespace(load_rubbish, rules);
	free(rules);
}

static void refuses(const struct ruleset *ruleset)
{
	errno = 0;
	assert_null(ruleset_print(ruleset));
	assert_int_equal(errno, EINVAL);
}

static void nonsense_makes_no_table(void **state)
{
	struct ruleset ruleset = sound_facts();

	(void)state;
	ruleset.lan_count = 0;
	refuses(&ruleset);
	ruleset = sound_facts();
	ruleset.tcp_count = 0;
	refuses(&ruleset);
	ruleset = sound_facts();
	ruleset.lan[0].listener = 0;
	refuses(&ruleset);
	ruleset = sound_facts();
	ruleset.mark = 0x08000000;
	refuses(&ruleset);
	ruleset = sound_facts();
	ruleset.mark = ruleset.mark_mask = 0x01000000;
	refuses(&ruleset);
	ruleset = sound_facts();
	ruleset.method = CAPTURE_AUTO;
	refuses(&ruleset);
	ruleset = sound_facts();
	strcpy(ruleset.lan[0].name, "x\" accept #");
	refuses(&ruleset);
	ruleset = sound_facts();
	memset(ruleset.lan[0].name, 'x', PORT_NAME); /* no end */
	refuses(&ruleset);
}

/* The largest table the bounds allow fits. */
static void fullest_facts_fit(void **state)
{
	struct ruleset ruleset = sound_facts();

	(void)state;
	ruleset.lan_count = LAN_PORTS_MAX;
	for (size_t i = 0; i < LAN_PORTS_MAX; i++) {
		memset(ruleset.lan[i].name, 'a' + (int)i, PORT_NAME - 1);
		ruleset.lan[i].listener = (uint16_t)(60000 + i);
	}
	ruleset.tcp_count = PORT_RANGES_MAX;
	for (size_t i = 0; i < PORT_RANGES_MAX; i++) {
		ruleset.tcp[i].first = (uint16_t)(50000 + 100 * i);
		ruleset.tcp[i].last = (uint16_t)(50050 + 100 * i);
	}
	char *rules = ruleset_print(&ruleset);
	assert_non_null(rules);
	assert_true(strlen(rules) < 12000);
	free(rules);
}

int main(void)
{
	static struct CMUnitTest tests[2 * GOLDEN_MAX + 3] = {
		cmocka_unit_test(nonsense_makes_no_table),
		cmocka_unit_test(fullest_facts_fit),
		cmocka_unit_test(refused_text_changes_nothing),
	};
	const CMUnitTestFunction for_each[] = { text_is_exact, kernel_takes_it };

	return golden_run("rulesets", tests, 3, "tests/rulesets/*.in", for_each);
}
