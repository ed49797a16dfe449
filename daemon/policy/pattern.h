/* What a request's path, query, header or a certificate's name is compared with: a glob (* and ?),
 * or a POSIX extended expression after "regex:". */
#pragma once

#include <regex.h>
#include <stdbool.h>

struct pattern {
	char *text;	/* as the owner wrote it */
	regex_t *regex; /* NULL: text is a glob */
};

enum { PATTERN_MAX = 512 };

/* Compiles text. NULL when done, else what is wrong with it, in static storage. */
const char *pattern_begin(struct pattern *pattern, const char *text);

/* A glob must cover the whole subject, an expression may match anywhere in it. */
bool pattern_matches(const struct pattern *pattern, const char *subject);

/* Frees what pattern_begin() made; a zeroed pattern is fine. */
void pattern_end(struct pattern *pattern);
