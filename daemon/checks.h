/* Asks the servers of upstreams that have a `check` how they fare, again and again, and notes it where all workers look
 * (health.h). One worker does it for all. */
#pragma once

#include "daemon/regime.h"
#include "daemon/server.h"

struct checks;

/* Begins with the upstreams of the regime, which is held until the end. NULL when nothing is to be checked, or memory
 * is out. */
struct checks *checks_new(struct regime *regime, const struct server_world *world);

/* Breaks off what is under way. NULL is fine. */
void checks_free(struct checks *checks);
