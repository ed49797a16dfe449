/* Reads `box` of the policy file: the reader and grammar for the table in config.c. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar box_grammar;

keyword_reader read_box;

/* The box's networks are the captured ports where the policy names none itself. */
void box_finish(struct policy *policy);
