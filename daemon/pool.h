/* Connections to servers that a client has left in good order, kept for a while for the next client that is to go to
 * exactly the same place in exactly the same way. One worker's. Only where the gateway uses its own address: a server
 * that is shown the client's must see whose request it is. */
#pragma once

#include "daemon/server.h"

enum {
	POOL_MAX = 32,	   /* the oldest gives way */
	POOL_SECONDS = 10, /* of idleness; most servers wait for longer */
};

struct pool;

/* Lives as long as its worker. NULL when out of memory. */
struct pool *pool_new(struct event_base *base);

/* Takes an idle HTTP/1 connection out of the server, whose model stays as it is, only closed. False when it may not be
 * kept: through a proxy, with a client certificate, captured, not verified, not at rest, or no memory. */
bool pool_keep(struct pool *pool, struct server *server);

/* Gives the server, which is unused, a connection for the target; its stage is SERVER_READY then. False when there is
 * none. id: of the new end. */
bool pool_give(struct pool *pool, struct server *server, const struct target *target, uint64_t id);
