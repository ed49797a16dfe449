// link: policy lists daemon/supervisor/slots.c tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2
/* Where the hits of a rule are counted, from one policy to the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/counters.h"
#include "daemon/supervisor/slots.h"
#include "daemon/text.h"
#include "tests/unit/policy_text.h"

static struct policy *policy_of_rules(const char *const *names, size_t count)
{
	static char storage[RULES_MAX * 64];
	struct text text;

	text_begin(&text, storage, sizeof storage);
	text_add(&text, "headgate: 1\nlan: lan0\nrules:\n");
	for (size_t i = 0; i < count; i++)
		text_addf(&text, "  - { name: %s, when: { port: %zu }, do: block }\n", names[i], i + 1);
	assert_false(text.full);
	return policy_of_text(storage);
}

static unsigned slot_of(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (strcmp(policy->rules[i].name, name) == 0)
			return policy->rules[i].slot;
	fail_msg("there is no rule %s", name);
	return 0;
}

static const char *const one[] = { "a", "b", "c" }, *const other[] = { "d", "c", "a" };

static void a_rule_keeps_the_slot_of_its_name(void **state)
{
	struct policy *before = policy_of_rules(one, 3), *policy = policy_of_rules(other, 3);

	(void)state;
	slots_assign(before, NULL);
	slots_assign(policy, before);
	assert_int_equal(slot_of(policy, "a"), slot_of(before, "a"));
	assert_int_equal(slot_of(policy, "c"), slot_of(before, "c"));
	policy_release(before);
	policy_release(policy);
}

/* The kernel still counts for b while d begins. */
static void what_has_just_become_free_is_not_given_away(void **state)
{
	struct policy *before = policy_of_rules(one, 3), *policy = policy_of_rules(other, 3);

	(void)state;
	slots_assign(before, NULL);
	slots_assign(policy, before);
	for (size_t i = 0; i < 3; i++)
		assert_int_not_equal(slot_of(policy, "d"), slot_of(before, one[i]));
	assert_int_not_equal(slot_of(policy, "d"), 0);
	policy_release(before);
	policy_release(policy);
}

enum { MANY = RULES_MAX - 1 };

/* Nothing else is left. */
static void a_full_policy_after_a_full_one_has_a_slot_for_each(void **state)
{
	static char texts[2][MANY][16];
	static const char *names[MANY];
	struct policy *policies[2];
	bool seen[RULES_MAX] = { false };

	(void)state;
	for (unsigned p = 0; p < 2; p++) {
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(texts[p][i], sizeof texts[p][i], "%c%u", "xy"[p], i);
			names[i] = texts[p][i];
		}
		policies[p] = policy_of_rules(names, MANY);
		slots_assign(policies[p], p ? policies[0] : NULL);
	}
	for (unsigned i = 0; i < MANY; i++) {
		unsigned slot = policies[1]->rules[i].slot;

		assert_in_range(slot, 1, MANY);
		assert_false(seen[slot]);
		seen[slot] = true;
	}
	policy_release(policies[0]);
	policy_release(policies[1]);
}

static void only_new_rules_begin_at_nothing(void **state)
{
	static struct counters counters[2];
	struct policy *before = policy_of_rules(one, 3), *policy = policy_of_rules(other, 3);

	(void)state;
	slots_assign(before, NULL);
	slots_assign(policy, before);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned slot = 0; slot < RULES_MAX; slot++)
			counters[i].rule_hits[slot] = counters[i].shadow_hits[slot] = counters[i].over_hits[slot] = 7;
	slots_clear(policy, before, counters, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(counters[i].rule_hits[slot_of(policy, "a")], 7);
		assert_int_equal(counters[i].rule_hits[slot_of(policy, "d")], 0);
		assert_int_equal(counters[i].shadow_hits[slot_of(policy, "d")], 0);
		assert_int_equal(counters[i].over_hits[slot_of(policy, "d")], 0);
		assert_int_equal(counters[i].rule_hits[slot_of(before, "b")], 7);
	}
	policy_release(before);
	policy_release(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_keeps_the_slot_of_its_name),
		cmocka_unit_test(what_has_just_become_free_is_not_given_away),
		cmocka_unit_test(a_full_policy_after_a_full_one_has_a_slot_for_each),
		cmocka_unit_test(only_new_rules_begin_at_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
