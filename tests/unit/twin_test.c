// link: policy lists tests/unit/policy_text.c tests/unit/twin.c tests/unit/chance.c tests/unit/dice.c -lyaml -lz -lzstd -llzma -lidn2
/* Small random policies are written down as text for the gateway's judge and judged a second time, on random facts, by
 * its naive twin. Both must agree, also on what they ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/chance.h"
#include "tests/unit/dice.h"
#include "tests/unit/policy_text.h"

enum { POLICIES = 4000, CONNECTIONS = 25 };

static void compare(const struct policy *policy, const struct twin_rule *rules, const char *text,
		    const struct world *world)
{
	struct decision decision = policy_decide(policy, &world->facts);
	size_t shadows;
	int expected = twin_decide(rules, policy->rule_count, world, &shadows);
	int given = decision.ask ? -(int)decision.wanted : (int)decision.rule->slot;

	if (given != expected)
		fail_msg(
			"the judge says %d, its twin %d; learned %u, host %s, from %s to %s:%u\n%s",
			given, expected, world->facts.learned,
			world->facts.host ? world->facts.host : "-", world->client,
			world->destination, world->facts.destination.port, text);
	if (!decision.ask &&
	    decision.shadow_count != (shadows < SHADOWS_MAX ? shadows : SHADOWS_MAX))
		fail_msg("%zu shadows, its twin %zu\n%s", decision.shadow_count, shadows, text);
}

/* What is refused as unreachable must never decide. */
static void check_refusal(const char *messages, const struct twin_rule *rules, size_t count,
			  struct world *world)
{
	const char *line = strstr(messages, "\"rule ");
	int number = line ? atoi(line + 6) : 0;
	size_t shadows;

	if (number < 2 || !strstr(messages, "can never be reached"))
		fail_msg("%s", messages);
	for (int i = 0; i < 50 * CONNECTIONS; i++) {
		chance_make_world(world);
		assert_int_not_equal(twin_decide(rules, count, world, &shadows), number);
	}
}

static bool try_policy(struct world *world)
{
	struct twin_rule rules[RULES];
	size_t count = chance_make_rules(rules);
	char text[8192], messages[8192];
	struct text policy_text, output;
	struct policy *policy;
	bool taken;

	text_begin(&policy_text, text, sizeof(text));
	text_begin(&output, messages, sizeof(messages));
	chance_write_policy(&policy_text, rules, count);
	policy = policy_try(text, &output);
	taken = policy != NULL;
	if (!policy)
		check_refusal(messages, rules, count, world);
	for (int i = 0; policy && i < CONNECTIONS; i++) {
		chance_make_world(world);
		compare(policy, rules, text, world);
	}
	policy_release(policy);
	chance_free_rules(rules, count);
	return taken;
}

static void judge_and_twin_agree(void **state)
{
	static char empty[] = "";
	struct world world = { 0 };
	unsigned taken = 0;

	(void)state;
	world.certificates =
		calloc(1, sizeof(struct certificate_list) + sizeof(struct certificate));
	world.certificates->count = 1;
	world.certificates->certificates[0] = (struct certificate){ .subject = empty,
								    .issuer = empty,
								    .names = empty,
								    .not_before = 1000,
								    .not_after = 2000 };
	for (unsigned i = 0; i < POLICIES; i++) {
		dice_begin(i);
		taken += try_policy(&world);
	}
	free(world.certificates);
	/* Otherwise the generator has drifted and the test proves little. */
	assert_true(taken > POLICIES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judge_and_twin_agree),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
