/* The policy file: YAML text into struct policy (docs/man/headgate.yaml.5). Every message names
 * file:line:column, what was expected and, for a misspelt word, what was probably meant. Nothing is
 * touched before everything has been checked. */
#pragma once

#include "daemon/policy/policy.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

/* Receives each message: place, text without a newline. */
typedef void config_report(void *context, enum severity severity, const struct place *place,
			   const char *message);

/* Parses the sources into a policy with one holder. Takes over sources, also on failure. NULL when
 * there was an error, after all errors have been reported. Pure but for memory. report: NULL where everything has
 * been said before, when the same sources were first read. */
struct policy *config_parse(struct sources *sources, config_report *report, void *context);

/* Prints the JSON Schema (2020-12) of the file, made from the same keyword tables as the parser. */
void config_schema(void (*write)(void *context, const char *bytes, size_t length), void *context);
