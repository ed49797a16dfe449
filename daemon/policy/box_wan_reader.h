/* Reads `wan` of `box`: the grammar for the table in box_reader.c, and what only the whole of it
 * shows. */
#pragma once

#include "daemon/policy/grammar.h"

struct wan;

/* Its readers fill a struct box. */
extern const struct grammar wan_grammar;

/* Reports what does not go together, at the value. */
void wan_check(struct reading *reading, struct value value, struct wan *wan);
