/* What all connections of one worker share. One event loop, no locks, no threads: whoever runs has it for
 * itself. */
#pragma once

#include <event2/event.h>

#include "daemon/budget.h"
#include "daemon/client.h"
#include "daemon/counters.h"
#include "daemon/ids.h"
#include "daemon/journal/journal.h"
#include "daemon/packet/sightings.h"
#include "daemon/pipes.h"
#include "daemon/pool.h"
#include "daemon/regime.h"
#include "daemon/server.h"
#include "daemon/tls/issuer.h"
#include "netfilter/local.h"
#include "netfilter/neighbours.h"

struct connection;

struct gateway {
	unsigned index;               /* of the worker */
	bool transparent;             /* captured by TPROXY: servers may be shown the client's address */
	struct event_base *base;
	struct regime *regime;        /* for new connections */
	struct server_world world;
	struct issuer *issuer;        /* NULL: no rule opens TLS */
	struct journal *journal;
	struct counters *counters;
	struct pinned *pinned;        /* who refuses our certificate; shared by all workers */
	struct sightings *sightings;  /* names that DNS gave to addresses; shared by all who judge */
	char sighted[NAME_SIZE];      /* room for a name out of them, until the next is looked for */
	struct local_addresses *local;
	struct neighbours *neighbours;
	struct budget *budget;        /* of devices */
	unsigned workers;             /* among whom a device's connections are spread */
	struct pool *pool;            /* servers that wait for another client; NULL: none does */
	struct pipes pipes;
	struct peek_room *room;
	char scratch[CHUNK_SIZE];
	uint16_t listener_ports[LAN_PORTS_MAX];
	size_t listener_count;
	struct connection *connections; /* all live ones */
	size_t live;
	size_t capacity;              /* connections, by limit and descriptors */
	struct connection *again;     /* those with more to do in the next turn */
	struct event again_event;
	struct ids ids;               /* of connections, their sides and requests */
	bool draining;
	struct week_time time;        /* of the minute beginning at time_minute */
	int64_t time_minute;
};

/* True for one of the gateway's own addresses together with one of its listening ports. context: the
 * gateway. */
bool gateway_is_own_listener(const void *context, const struct address *address);

/* The moment of the week that is wall, in the gateway's zone. */
struct week_time gateway_time(struct gateway *gateway, int64_t wall);

/* Gives the connection another turn after all others had theirs. */
void gateway_again(struct gateway *gateway, struct connection *connection);
