/* `request-headers`, `response-headers` and `strip` of a rule. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar edits_grammar;

/* Adds the removal of the header field named at the value; false after reporting what cannot be one. */
bool edits_add_removal(struct reading *reading, struct value value, struct edits *edits);
