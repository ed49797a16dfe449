/* One alternative of a condition, from the policy file into struct alternative. */
#pragma once

#include "daemon/policy/condition.h"
#include "daemon/policy/grammar.h"

extern const struct grammar certificate_grammar;
extern const char *const certificate_words[];
extern const char *const tls_version_words[];
extern const char *const protocol_words[];

/* Reads the value at a key of `when`. False after reporting what is wrong; alternative_end() must
 * follow in either case. */
bool alternative_read(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative);

/* True for a token of HTTP (RFC 9110 section 5.6.2). */
bool alternative_is_field_name(const char *text);
