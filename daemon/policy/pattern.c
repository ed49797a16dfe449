#include "daemon/policy/pattern.h"

#include <stdlib.h>
#include <string.h>

static const char regex_prefix[] = "regex:";

enum { REPEATS_MAX = 2, REPEAT_MAX = 64 };

/* glibc expands every {n,m}, also nested ones, before it matches anything: without a bound a short
 * expression takes all memory. A back-reference makes matching exponential. */
static const char *judge_cost(const char *expression)
{
	unsigned repeats = 0;

	for (const char *next = expression; *next; next++) {
		if (*next == '\\' && next[1] >= '1' && next[1] <= '9')
			return "back-references such as \\1 are not taken: they can stall the "
			       "gateway";
		if (*next == '\\' && next[1])
			next++;
		else if (*next == '{') {
			const char *comma = strchr(next, ',');

			if (++repeats > REPEATS_MAX || atoi(next + 1) > REPEAT_MAX ||
			    (comma && atoi(comma + 1) > REPEAT_MAX))
				return "at most two repetitions {n,m} of at most 64 are taken";
		}
	}
	return NULL;
}

static const char *compile(struct pattern *pattern, const char *expression)
{
	const char *problem = judge_cost(expression);
	int answer;

	if (problem)
		return problem;
	if (!*expression)
		return "after \"regex:\" stands a POSIX extended expression";
	pattern->regex = malloc(sizeof(*pattern->regex));
	if (!pattern->regex)
		return "out of memory";
	answer = regcomp(pattern->regex, expression, REG_EXTENDED | REG_NOSUB);
	if (answer == 0)
		return NULL;
	free(pattern->regex);
	pattern->regex = NULL;
	if (answer == REG_ESPACE)
		return "out of memory";
	return "this is no POSIX extended expression (see regex(7))";
}

const char *pattern_begin(struct pattern *pattern, const char *text)
{
	const char *problem = NULL;

	*pattern = (struct pattern){ 0 };
	if (strlen(text) > PATTERN_MAX)
		return "it is longer than 512 characters";
	if (strncmp(text, regex_prefix, strlen(regex_prefix)) == 0)
		problem = compile(pattern, text + strlen(regex_prefix));
	if (problem)
		return problem;
	pattern->text = strdup(text);
	if (pattern->text)
		return NULL;
	pattern_end(pattern);
	return "out of memory";
}

/* The glob alone: * is any run of characters, ? is any one. Pure. */
static bool matches_glob(const char *glob, const char *subject)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*subject) {
		if (*glob == '*') {
			star = glob++;
			resume = subject;
		} else if (*glob == '?' || *glob == *subject) {
			glob++;
			subject++;
		} else if (star) {
			glob = star + 1;
			subject = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

bool pattern_matches(const struct pattern *pattern, const char *subject)
{
	if (pattern->regex)
		return regexec(pattern->regex, subject, 0, NULL, 0) == 0;
	return matches_glob(pattern->text, subject);
}

void pattern_end(struct pattern *pattern)
{
	if (pattern->regex)
		regfree(pattern->regex);
	free(pattern->regex);
	free(pattern->text);
	*pattern = (struct pattern){ 0 };
}
