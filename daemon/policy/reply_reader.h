/* `redirect` and `respond` of a rule's `do`. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar redirect_grammar;
extern const struct grammar respond_grammar;

/* Read into a struct rule. */
keyword_reader read_redirect, read_respond;
