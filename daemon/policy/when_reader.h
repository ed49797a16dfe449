/* `when`: the conditions of a rule. */
#pragma once

#include "daemon/policy/grammar.h"


extern const struct grammar when_grammar;

/* Reads the mapping into when, cheapest condition first. */
keyword_reader read_when;
