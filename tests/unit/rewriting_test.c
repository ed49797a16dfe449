// link: netfilter/rewriting.c netfilter/generation.c netfilter/inventory.c netfilter/queue_rule.c netfilter/table.c netfilter/netlink.c daemon/text.c -lmnl -lnftables
/* Tables that follow one another in the real kernel, each test in a network namespace of its own; before that, their
 * texts. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "netfilter/generation.h"
#include "netfilter/rewriting.h"

#define AT_PREROUTING "\t\ttype filter hook prerouting priority mangle - 2; policy accept;\n"
#define AT_INPUT "\t\ttype filter hook input priority filter - 1; policy accept;\n"

/* As ruleset.c says it, with nothing for NUMBER; with ".7", and without the hook, its chains as they are written. */
#define FIRST(NUMBER, HOOK)									\
	"table inet headgate {\n"								\
	"\tcomment \"chain of thought; goto nowhere\"\n\n"					\
	"\tcounter rule_1 { }\n"								\
	"\tcounter rule_2 { }\n"								\
	"\tset rate4_1 {\n"									\
	"\t\ttype ipv4_addr\n"									\
	"\t\tsize 16\n"										\
	"\t\tflags dynamic,timeout\n"								\
	"\t\ttimeout 1m\n"									\
	"\t}\n\n"										\
	"\tchain queuing" NUMBER " {\n"								\
	"\t}\n\n"										\
	"\tchain plan" NUMBER " {\n" HOOK "\n"							\
	"\t\t# A rule that says \"goto rules\".\n"						\
	"\t\tiifname \"goto\" jump rules" NUMBER "\n"						\
	"\t\ttcp doff vmap { 5 : jump rules" NUMBER ", 6 : jump queuing" NUMBER " }\n"		\
	"\t\tgoto rules" NUMBER "\n"								\
	"\t}\n\n"										\
	"\tchain rules" NUMBER " {\n"								\
	"\t\tip daddr { 198.51.100.0/24, 192.0.2.1 } counter name rule_1 drop\n"		\
	"\t\tcounter name rule_2 accept\n"							\
	"\t}\n"											\
	"}\n"

static const char first[] = FIRST("", AT_PREROUTING);

static const char second[] = "table inet headgate {\n"
			     "\tcounter rule_1 { }\n"
			     "\tchain plan {\n" AT_PREROUTING "\n"
			     "\t\tgoto others\n"
			     "\t}\n\n"
			     "\tchain door {\n" AT_INPUT "\n"
			     "\t\ttcp dport { 1, 3-5 } drop\n"
			     "\t}\n\n"
			     "\tchain others {\n"
			     "\t\tcounter name rule_1 drop\n"
			     "\t}\n"
			     "}\n";

/* A chain at a hook where its rules cannot be: the kernel sees that when they can be reached. */
static const char impossible[] = "table inet headgate {\n"
				 "\tchain door {\n"
				 "\t\ttype filter hook output priority filter; policy accept;\n\n"
				 "\t\tgoto turn\n"
				 "\t}\n\n"
				 "\tchain turn {\n"
				 "\t\tmeta l4proto tcp tproxy to :80\n"
				 "\t}\n"
				 "}\n";

static void chains_have_a_number(void **state)
{
	char *chains = generation_print_chains(first, 7);

	(void)state;
	assert_string_equal(chains, FIRST(".7", ""));
	free(chains);
}

static void hooks_go_to_them(void **state)
{
	char *hooks = generation_print_hooks(second, 12);

	(void)state;
	assert_string_equal(
		hooks,
		"table inet headgate {\n"
		"\tchain plan {\n" AT_PREROUTING
		"\t\tgoto plan.12\n"
		"\t}\n"
		"\tchain door {\n" AT_INPUT
		"\t\tgoto door.12\n"
		"\t}\n"
		"}\n");
	free(hooks);
}

static void what_is_left_over_is_known(void **state)
{
	(void)state;
	assert_true(generation_has(first, 7, "chain", "plan"));
	assert_true(generation_has(first, 7, "chain", "rules.7"));
	assert_false(generation_has(first, 7, "chain", "rules.6"));
	assert_false(generation_has(first, 7, "chain", "rules")); /* of no generation */
	assert_false(generation_has(first, 7, "chain", "rule"));
	assert_false(generation_has(first, 7, "chain", "door"));
	assert_true(generation_has(first, 7, "counter", "rule_1"));
	assert_false(generation_has(first, 7, "counter", "rule_3"));
	assert_true(generation_has(first, 7, "set", "rate4_1"));
	assert_false(generation_has(first, 7, "set", "rule_1"));
	assert_int_equal(generation_of("rules.41"), 41);
	assert_int_equal(generation_of("plan"), 0);
}

/* In the kernel */

static void enter_namespace(void)
{
	if (geteuid() || unshare(CLONE_NEWNET))
		skip();
}

static void holds(const char *question)
{
	if (system(question))
		fail_msg("not so: %s", question);
}

static void put(const char *table)
{
	char message[TABLE_MESSAGE];

	if (rewriting_put(table, NULL, message) != REWRITING_DONE)
		fail_msg("%s", message);
}

#define HAS "nft list table inet headgate | grep -q "
#define HAS_NOT "! nft list table inet headgate | grep -q "

static void a_table_follows_another(void **state)
{
	(void)state;
	enter_namespace();
	put(first);
	holds(HAS "'goto plan.1'");
	/* Counters go on counting; chains, counters and meters that nobody has any more are gone. */
	holds("nft 'add rule inet headgate rules.1 counter name rule_1'");
	holds("nft 'delete chain inet headgate plan; delete chain inet headgate plan.1; flush chain inet headgate rules.1; "
	      "delete counter inet headgate rule_1; add counter inet headgate rule_1 { packets 5 bytes 7 }'");
	put(second);
	holds(HAS "'goto plan.2'");
	holds(HAS "'packets 5 bytes 7'");
	holds(HAS_NOT "'rules\\|queuing\\|plan.1\\|rule_2\\|rate4'");
	put(first);
	holds(HAS "'goto plan.3'");
	holds(HAS_NOT "'door\\|others'");
	put(first);
	holds(HAS "'goto plan.4'");
	holds(HAS_NOT "'plan.3'");
}

/* A program that was killed has left a generation, whole or not. */
static void half_a_generation_is_cleared(void **state)
{
	(void)state;
	enter_namespace();
	put(first);
	holds("nft 'add chain inet headgate rules.8; add chain inet headgate plan.8; "
	      "add rule inet headgate plan.8 goto rules.8'");
	put(second);
	holds(HAS "'goto plan.9'");
	holds(HAS_NOT "'plan.8\\|rules.8\\|rules.1'");
}

/* Of another program, before there were generations. */
static void other_hooks_are_exchanged(void **state)
{
	char message[TABLE_MESSAGE];

	(void)state;
	enter_namespace();
	holds("nft 'table inet headgate { chain old { drop; }; chain plan { type filter hook prerouting priority 7; goto old; }; }'");
	assert_int_equal(rewriting_try(first, message), 0);
	holds(HAS "'filter + 7'");
	put(first);
	holds(HAS "'priority mangle - 2'");
	holds(HAS_NOT "'old\\|drop;'");
}

static void failure_changes_nothing(void **state)
{
	static const char rubbish[] = "table inet headgate {\n\tchain x {\n\t\trubbish\n\t}\n}\n";
	char message[TABLE_MESSAGE];

	(void)state;
	enter_namespace();
	put(first);
	holds("nft list table inet headgate >/tmp/rewriting-$PPID");
	assert_int_equal(rewriting_put(rubbish, NULL, message), REWRITING_FAILED);
	assert_non_null(strstr(message, "syntax error"));
	assert_int_equal(rewriting_put(impossible, NULL, message), REWRITING_FAILED);
	assert_true(message[0]);
	holds("nft list table inet headgate | cmp - /tmp/rewriting-$PPID && rm /tmp/rewriting-$PPID");
}

/* Whoever may change rules may name something so that a text would say more. */
static void odd_names_are_left_alone(void **state)
{
	(void)state;
	enter_namespace();
	put(first);
	holds("nft 'add chain inet headgate a/b-c'");
	put(second);
	holds(HAS "'a/b-c'");
}

static void the_rule_that_queues_is_there(void **state)
{
	static const struct queue_rule rule = { 0x02000000, 0x07000000, 2 };
	char message[TABLE_MESSAGE];

	(void)state;
	enter_namespace();
	if (queue_rule_probe() == QUEUE_NOT_AT_ALL)
		skip();
	for (unsigned i = 0; i < 2; i++)
		if (rewriting_put(first, &rule, message) != REWRITING_DONE)
			skip(); /* nft's queue alone */
	holds("nft list chain inet headgate queuing.2 | grep -qi queue");
	/* Where there is no such chain, the rule finds no place. */
	assert_int_equal(rewriting_put(second, &rule, message), REWRITING_NO_QUEUE);
	holds(HAS "'goto plan.2'");
	holds(HAS_NOT "'plan.3'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_have_a_number),
		cmocka_unit_test(hooks_go_to_them),
		cmocka_unit_test(what_is_left_over_is_known),
		cmocka_unit_test(a_table_follows_another),
		cmocka_unit_test(half_a_generation_is_cleared),
		cmocka_unit_test(other_hooks_are_exchanged),
		cmocka_unit_test(failure_changes_nothing),
		cmocka_unit_test(odd_names_are_left_alone),
		cmocka_unit_test(the_rule_that_queues_is_there),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
