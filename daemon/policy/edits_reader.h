/* `request-headers` and `response-headers` of a rule. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar edits_grammar;
