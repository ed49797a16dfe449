/* The servers of one connection: where the whole of it goes, and those that single requests were routed
 * to. */
#pragma once

#include "daemon/connection.h"

/* Finds or sets out for a server for the exchange. conversation_server_ready() or
 * conversation_server_failed() follows, now or later. */
void exchange_reach(struct connection *connection, struct exchange *exchange);

/* The exchange's server (side; NULL: it was still waiting for one) may serve others again, or is
 * closed when it cannot. */
void exchange_release(struct connection *connection, struct exchange *exchange,
		      const struct side *side, bool reusable);

/* Goes on with every server that is on its way for an exchange, and drops idle ones that their peer
 * ended. True when the conversation has been told of one: it has to go on. */
bool servers_turn(struct connection *connection);

/* The earliest deadline of those on their way, steady microseconds; INT64_MAX: none. */
int64_t servers_deadline(const struct connection *connection);

/* Ends those that are overdue. */
void servers_expire(struct connection *connection);

/* Closes all, in order or with a reset, and notes it. */
void servers_close(struct connection *connection, bool orderly);

/* Frees all; the primary one is embedded and only emptied. */
void servers_end(struct connection *connection);
