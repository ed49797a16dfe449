/* Where the hits of a rule are counted: a slot in the counters of every process and of the kernel, which a rule of the
 * same name keeps. */
#pragma once

struct counters;
struct policy;

/* Gives every rule its slot: that of the rule of the same name in before (may be NULL), or a free one. */
void slots_assign(struct policy *policy, const struct policy *before);

/* Begins at nothing, in every block of counters, for the rules that before does not have. */
void slots_clear(const struct policy *policy, const struct policy *before, struct counters *counters, unsigned blocks);
