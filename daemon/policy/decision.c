#include "daemon/policy/policy.h"

static void note_shadow(struct decision *decision, const struct rule *rule)
{
	if (decision->shadow_count < SHADOWS_MAX)
		decision->shadows[decision->shadow_count++] = rule;
}

static struct decision ask(enum moment wanted)
{
	return (struct decision){ .ask = true, .wanted = wanted };
}

struct decision policy_decide(const struct policy *policy, const struct facts *facts)
{
	struct decision decision = { .rule = policy->otherwise };

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		enum moment wanted;

		switch (rule_match(rule, facts, &wanted)) {
		case MATCH_NO:
			break;
		case MATCH_YES:
			if (!rule->shadow) {
				decision.rule = rule;
				return decision;
			}
			note_shadow(&decision, rule);
			break;
		case MATCH_UNKNOWN:
			if (!rule->shadow)
				return ask(wanted);
			break;
		}
	}
	return decision;
}
