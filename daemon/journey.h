/* The way of one of a connection's servers (server.h), step by step, each told as an event to whoever listens. Where an
 * upstream has several servers and one fails, the way goes on to the next. */
#pragma once

#include "daemon/server.h"

/* Sets out for the target (copied). Follow with journey_advance(). */
void journey_begin(struct server *server, const struct target *target);

/* One step further, as server_advance(); after SIDE_DONE the stage may be SERVER_RESOLVING again: another server's
 * turn. */
enum side_progress journey_advance(struct server *server);

/* What is overdue has failed; the stage tells whether another server's turn has come. */
void journey_expire(struct server *server);
