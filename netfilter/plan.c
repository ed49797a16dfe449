#include "netfilter/plan.h"

enum { DNS_PORT = 53 };

static bool needs_names(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (rule_moment(&policy->rules[i]) > MOMENT_ADDRESSES ||
		    policy->rules[i].verdict == VERDICT_INSPECT)
			return true;
	return false;
}

static void refuse(struct ruleset *ruleset, unsigned first, unsigned last)
{
	if (first > last || ruleset->refused_udp_count == PORT_RANGES_MAX)
		return;
	ruleset->refused_udp[ruleset->refused_udp_count++] =
		(struct port_range){ (uint16_t)first, (uint16_t)last };
}

void plan_make(struct ruleset *ruleset, const struct policy *policy, enum capture_method method)
{
	ruleset_from_policy(ruleset, policy, method);
	if (!needs_names(policy))
		return;
	for (size_t i = 0; i < policy->capture.udp_count; i++) {
		struct port_range range = policy->capture.udp[i];

		if (range.first <= DNS_PORT && DNS_PORT <= range.last) {
			refuse(ruleset, range.first, DNS_PORT - 1);
			refuse(ruleset, DNS_PORT + 1, range.last);
		} else {
			refuse(ruleset, range.first, range.last);
		}
	}
}
