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

/* The same for a question in a stream, whose answer goes by unread: one that would have to be changed is refused.
 * UNDECIDED: it may go on, and so may the next, which comes here, too. Any other fate is the whole stream's. */
enum fate visit_stream_question(struct visits *visits, struct flow *flow,
				const struct dns_message *question);

/* An answer: the rule that has decided about its question; the policy's, never NULL. */
const struct rule *visit_answered(struct visits *visits, const struct flow *flow, const char *name);
