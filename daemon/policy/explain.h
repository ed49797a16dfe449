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
