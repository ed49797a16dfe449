#include "daemon/policy/list_guard.h"

#include <stddef.h>

#include "daemon/policy/condition.h"
#include "daemon/policy/policy.h"

struct uses {
	bool blocks; /* what it holds */
	bool other;  /* lets pass, excepts, or is about who asks */
};

static bool names_list(const struct condition *condition, const struct list *list)
{
	for (size_t i = 0; i < condition->count; i++)
		if (condition->alternatives[i].kind == ALTERNATIVE_LIST &&
		    condition->alternatives[i].list == list)
			return true;
	return false;
}

static bool is_far_end(const struct condition *condition)
{
	return condition->kind == CONDITION_ADDRESS || condition->kind == CONDITION_HOST;
}

static void note_uses(const struct when *when, const struct list *list, bool blocks,
		      struct uses *uses)
{
	for (size_t i = 0; i < when->count; i++) {
		const struct condition *condition = &when->conditions[i];

		if (condition->kind == CONDITION_NOT)
			note_uses(&condition->nested, list, false, uses);
		else if (names_list(condition, list) && blocks && is_far_end(condition))
			uses->blocks = true;
		else if (names_list(condition, list))
			uses->other = true;
	}
}

bool list_is_guarded(const struct policy *policy, const struct list *list)
{
	struct uses uses = { false, false };

	if (list->guard != GUARD_BY_USE)
		return list->guard == GUARD_ALWAYS;
	if (list->feed)
		return true;
	for (size_t i = 0; i < policy->rule_count; i++)
		note_uses(&policy->rules[i].when, list,
			  policy->rules[i].verdict == VERDICT_BLOCK, &uses);
	return uses.blocks && !uses.other;
}
