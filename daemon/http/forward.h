/* What goes on: from a guarded head as received and the rule that decided, the head that the other
 * side gets. Hop-by-hop fields end here (RFC 9110 section 7.6.1) and nothing is added that would
 * tell of the gateway (no Via, no X-Forwarded-For). Says the same for every codec; framing and
 * Connection are the printer's. Pure.
 *
 * Host: the client's, as sent. A server that a rule routed to by name (endpoint.host) gets that name, with
 * the port where it is not the scheme's own; one by address gets the client's. An edit that sets Host has the
 * last word. */
#pragma once

#include "daemon/http/exchange.h"

/* Fills out (empty) with the request as it is sent on; rule and server, which it
 * goes to, may be NULL. 0; -1 with errno when it does not fit HEAD_MAX and FIELDS_MAX, or memory is out. */
int forward_request(struct head *out, const struct head *request, const struct rule *rule,
		    const struct endpoint *server);

/* Fills out (empty) with the response as the client gets it; result as above. */
int forward_response(struct head *out, const struct exchange *exchange);
