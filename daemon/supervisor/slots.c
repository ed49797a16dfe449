#include "daemon/supervisor/slots.h"

#include <string.h>

#include "daemon/counters.h"
#include "daemon/policy/policy.h"

static const struct rule *find_rule(const struct policy *policy, const char *name)
{
	for (size_t i = 0; policy && i < policy->rule_count; i++)
		if (strcmp(policy->rules[i].name, name) == 0)
			return &policy->rules[i];
	return NULL;
}

/* The lowest that is free; 0: there is none. */
static unsigned free_slot(const bool taken[static RULES_MAX])
{
	for (unsigned slot = 1; slot < RULES_MAX; slot++)
		if (!taken[slot])
			return slot;
	return 0;
}

/* What rules of before have is given to others only when there is nothing else: the kernel still counts there. */
void slots_assign(struct policy *policy, const struct policy *before)
{
	bool taken[RULES_MAX] = { [0] = true }; /* 0: no rule matched */
	bool used[RULES_MAX] = { [0] = true };

	for (size_t i = 0; before && i < before->rule_count; i++)
		used[before->rules[i].slot] = true;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *old = find_rule(before, policy->rules[i].name);

		policy->rules[i].slot = 0;
		if (!old || taken[old->slot])
			continue;
		policy->rules[i].slot = old->slot;
		taken[old->slot] = true;
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		unsigned *slot = &policy->rules[i].slot;

		if (*slot)
			continue;
		*slot = free_slot(used) ? free_slot(used) : free_slot(taken);
		taken[*slot] = used[*slot] = true;
	}
}

void slots_clear(const struct policy *policy, const struct policy *before, struct counters *counters, unsigned blocks)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		unsigned slot = policy->rules[i].slot;

		if (find_rule(before, policy->rules[i].name))
			continue;
		for (unsigned block = 0; block < blocks; block++) {
			atomic_store(&counters[block].rule_hits[slot], 0);
			atomic_store(&counters[block].shadow_hits[slot], 0);
			atomic_store(&counters[block].over_hits[slot], 0);
		}
	}
}
