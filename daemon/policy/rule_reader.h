/* `rules`: from the policy file into the policy's rules. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar rule_grammar;

/* Reads one rule and adds it at the end. */
keyword_reader read_rule;

/* Reports every rule that can never be reached because an earlier one always holds when it would.
 */
void rules_check_reach(struct reading *reading);
