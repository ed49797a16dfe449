/* `headgatectl explain`: which rule decides, which were passed over and why, which list entry
 * matched. It asks the same rules as the traffic does. */
#pragma once

#include "daemon/policy/policy.h"

enum { EXPLAIN_LINE = 1024 };

/* Receives one line of text without its newline. */
typedef void explain_line(void *context, const char *line);

/* Explains rule after rule in order until one decides: "decides", "passed over", "shadow" (would
 * decide), or "asks" (not known yet; the rules after it are shown for the case that it does not
 * hold). The last line is the verdict. Pure. */
void explain_policy(const struct policy *policy, const struct facts *facts, explain_line *line,
		    void *context);

/* Adds what a rule does, for people: "blocks (reset)", "routes to api". */
void explain_verdict(const struct rule *rule, struct text *text);

/* Adds which list entries made the rule hold: " (list drop: lists/drop.txt:12: 192.0.2.0/24)";
 * nothing when no list was asked. */
void explain_entries(const struct rule *rule, const struct facts *facts, struct text *text);
