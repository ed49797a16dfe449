/* A connection before the judge: its facts, and what the answer leaves behind. */
#pragma once

#include "daemon/connection.h"

/* Fills what is known of the connection now. */
void connection_facts(const struct connection *connection, struct facts *facts);

/* Asks the judge about the connection. Counts hits when it has decided. */
struct decision connection_judge(struct connection *connection);

/* Asks the judge about one request (or response) of the connection. Counts hits when it has decided. */
struct decision exchange_judge(struct connection *connection, const struct exchange *exchange);
