/* `trust` and `verify.ca`: the roots that servers must chain to. */
#pragma once

#include "daemon/policy/grammar.h"

keyword_reader read_trust;

/* Joins what `trust` named (without it the system's roots) into policy->trust_pem when a rule opens
 * TLS, and reports roots that cannot be used; top is the place of the latter when nothing named
 * them. */
void roots_join(struct reading *reading, struct value top);

/* The text of a PEM file with a certificate and its key; owned by the policy's sources. NULL after
 * reporting that it cannot be used. */
const char *find_identity(struct reading *reading, const struct keyword *keyword,
			  struct value value);

/* The source of a PEM file named at the value; NULL after reporting that it cannot be used. */
const struct source *find_roots(struct reading *reading, struct value value, const char *name);
