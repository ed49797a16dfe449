/* What goes on: from a guarded head as received and the rule that decided, the head that the other
 * side gets. Hop-by-hop fields end here (RFC 9110 section 7.6.1) and nothing is added that would
 * tell of the gateway (no Via, no X-Forwarded-For). Says the same for every codec; framing and
 * Connection are the printer's. Pure.
 *
 * Host: the client's, as sent. A rule that routes to a server by name (upstream->host) replaces it
 * by that name, with the port where it is not the scheme's own; a rule that routes to an address
 * keeps it. An edit that sets Host has the last word. */
#pragma once

#include "daemon/http/exchange.h"

/* Fills out (empty) with the request as it is sent on; rule may be NULL; secure: the client speaks
 * TLS. 0; -1 with errno when it does not fit HEAD_MAX and FIELDS_MAX, or memory is out. */
int forward_request(struct head *out, const struct head *request, const struct rule *rule,
		    bool secure);

/* Fills out (empty) with the response as the client gets it; result as above. */
int forward_response(struct head *out, const struct exchange *exchange);
