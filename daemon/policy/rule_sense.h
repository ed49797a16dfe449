/* Rules whose keys are each allowed, but make no sense together, or beside the rules above them. */
#pragma once

#include "daemon/policy/reading.h"

/* Reports what a rule that has just been read, from value, asks for in vain. */
void rule_check_sense(struct reading *reading, const struct rule *rule, struct value value);

/* Reports every rule that can never be reached because an earlier one always holds when it would. */
void rules_check_reach(struct reading *reading);
