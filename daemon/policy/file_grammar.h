/* The whole grammar of the policy file, for the schema and the test of the manual. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar file_grammar;
