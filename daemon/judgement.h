/* A connection before the judge: its facts, and what the answer leaves behind. */
#pragma once

#include "daemon/connection.h"

/* Asks the judge about the connection. */
struct decision connection_judge(const struct connection *connection);

/* Asks the judge about the question that its client asks DNS now. */
struct decision connection_judge_question(const struct connection *connection);

/* True when the connection's rule would be the same whichever of these protocols (bits of
 * protocol_candidates()) it turns out to be, or none of them. */
bool connection_is_judged_alike(const struct connection *connection, unsigned candidates);

/* True when a rule of another policy that says `cut: true` blocks what the connection carries now: one of
 * its running requests, or between two requests the name that its first one gave. */
bool connection_is_cut(const struct connection *connection, const struct policy *policy);

/* The first bytes of a connection that was decided without them have been seen: counts and names the shadow
 * rules that would have decided otherwise. */
void connection_judge_shadows(struct connection *connection);

/* Counts the hits of a decision that is carried out. */
void decision_count(struct connection *connection, const struct decision *decision);

/* Asks the judge about one request (or response) of the connection. Counts hits when it has decided. */
struct decision exchange_judge(struct connection *connection, const struct exchange *exchange);
