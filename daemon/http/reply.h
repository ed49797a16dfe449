/* The answer that a rule has the gateway give in the server's place: a redirect or a response of the owner's. Pure. */
#pragma once

#include "daemon/http/message.h"
#include "daemon/policy/rule.h"
#include "daemon/reader.h"

/* True when the rule answers this request itself; secure: the client speaks TLS. A rule that only leads to TLS has
 * nothing to say there. */
bool reply_is_due(const struct rule *rule, bool secure);

/* Fills head (empty) and body, which is the policy's. 0; -1 with errno when it does not fit HEAD_MAX, or memory is
 * out. */
int reply_make(struct head *head, struct span *body, const struct head *request,
	       const struct rule *rule);
