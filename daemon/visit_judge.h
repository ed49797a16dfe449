/* The judge's part of a visit: what is known of a flow, and what the policy makes of it. */
#pragma once

#include "daemon/told.h"

/* Asks the judge. UNDECIDED only where the hello is not known yet. Counts the hits and writes the
 * journal's line of a fate that is final. */
enum fate visit_judge(struct visits *visits, struct flow *flow, const struct said *said);

/* Ends a flow without the judge: it cannot be read. */
enum fate visit_refuse(struct visits *visits, struct flow *flow, enum reason reason);

/* What becomes of a question of DNS, and by which rule (the policy's, never NULL). Counts the hits; writes a line
 * where it is blocked. */
enum fate visit_question(struct visits *visits, struct flow *flow, const char *name,
			 const struct rule **rule);

/* An answer: the rule that has decided about its question; the policy's, never NULL. */
const struct rule *visit_answered(struct visits *visits, const struct flow *flow, const char *name);
