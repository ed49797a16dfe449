/* Reads `console` of the policy file: the reader and grammar for the table in config.c. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar console_grammar;

keyword_reader read_console;
