/* What a connection is to the conversation on it: judge, dialler and scribe. */
#pragma once

#include "daemon/connection.h"

/* Begins the conversation on the client's side. 0, or -1 when out of memory. */
int exchanging_begin(struct connection *connection);

/* Steady microseconds by which the conversation or one of its servers is overdue. */
int64_t exchanging_deadline(const struct connection *connection);

/* Lets the conversation act on what is overdue. */
void exchanging_expire(struct connection *connection);

/* Frees the conversation. */
void exchanging_end(struct connection *connection);
