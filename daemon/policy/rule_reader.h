/* `rules`: from the policy file into the policy's rules. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar rule_grammar;

/* Reads one rule and adds it at the end. */
keyword_reader read_rule;
