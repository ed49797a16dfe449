/* The policy file's settings of the gateway itself: lan, capture, source, when-down, journal,
 * authority, traces, limits. Readers and grammars for the table in config.c. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar capture_grammar;
extern const struct grammar journal_grammar;
extern const struct grammar authority_grammar;
extern const struct grammar traces_grammar;
extern const struct grammar limits_grammar;
extern const char *const source_words[];
extern const char *const when_down_words[];
extern const char *const lists_in_words[];
extern const char *const journal_words[];

keyword_reader read_version, read_lan, read_capture, read_source, read_when_down, read_lists_in, read_leases,
	read_journal, read_authority;

/* Sorts the captured ports. */
void settings_finish(struct policy *policy);
