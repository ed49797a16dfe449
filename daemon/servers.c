#include "daemon/servers.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/alpn.h"
#include "daemon/journey.h"
#include "daemon/pool.h"
#include "daemon/targeting.h"
#include "daemon/tls/origin.h"
#include "daemon/view.h"

/* Closes a server and forgets what was spoken over it. */
static void drop(struct server *server)
{
	server_event(server, EVENT_SERVER_DISCONNECTED);
	leg_retire(server->leg);
	server->leg = NULL;
	server->users = 0;
	server_close(server);
}

static bool is_idle(const struct server *server)
{
	return !server->users && !server->exchange;
}

/* An idle one that its peer has ended or that said something unasked. */
static bool is_stale(struct server *server)
{
	/* A server of HTTP/2 says its settings unasked, and its leg reads them. */
	if (alpn_server_speaks_h2(server))
		return server->leg && leg_is_spent(server->leg);
	return server_is_stale(server);
}

static bool has_room(const struct server *server)
{
	return server->leg ? leg_is_free(server->leg) : is_idle(server);
}

/* HTTP/2 changes protocols only in its own way, and only where the server has said so. */
static bool suits(const struct server *server, const struct exchange *exchange)
{
	if (!exchange->request.upgrade || !alpn_server_may_speak_h2(server))
		return true;
	return exchange->request.protocol && server->leg && leg_carries_tunnels(server->leg);
}

static struct server *find(struct connection *connection, const struct target *target,
			   const struct exchange *exchange)
{
	struct server *server;

	for (server = connection->servers; server; server = server->next) {
		if (server->stage != SERVER_READY || !server_is_for(server, target) ||
		    !suits(server, exchange) || !has_room(server))
			continue;
		if (server->verdict != REASON_NONE && !target->tolerant)
			continue;
		if (!is_idle(server) || !is_stale(server))
			return server;
		drop(server);
	}
	return NULL;
}

static bool on_its_way(const struct server *server)
{
	return server->stage == SERVER_RESOLVING || server->stage == SERVER_CONNECTING ||
	       server->stage == SERVER_SECURING;
}

/* One under way that may carry this exchange beside the one it was dialled for. */
static struct server *coming(struct connection *connection, const struct target *target,
			     const struct exchange *exchange)
{
	struct server *server;

	if (exchange->request.upgrade)
		return NULL;
	for (server = connection->servers; server; server = server->next)
		if (on_its_way(server) && server_is_for(server, target) &&
		    alpn_server_may_speak_h2(server))
			return server;
	return NULL;
}

/* An unused one, an idle one that has to give way, or a new one while there is room. */
static struct server *vacant(struct connection *connection)
{
	struct server *idle = NULL, *server;
	size_t count = 0;

	for (server = connection->servers; server; server = server->next) {
		count++;
		if (!is_idle(server) || on_its_way(server))
			continue;
		if (server->stage == SERVER_UNUSED || server->stage == SERVER_FAILED)
			return server;
		idle = server;
	}
	if (count < SERVERS_MAX) {
		server = malloc(sizeof(*server));
		if (!server)
			return NULL;
		server_begin(server, &connection->gateway->world, connection, &connection->allowance,
			     connection->server.wake);
		server->next = connection->server.next;
		connection->server.next = server;
		return server;
	}
	if (idle)
		drop(idle);
	return idle;
}

/* Waiting */

static void wait_for(struct connection *connection, struct exchange *exchange,
		     struct server *server)
{
	struct exchange **link = &connection->waiting;

	while (*link)
		link = &(*link)->next_waiting;
	*link = exchange;
	exchange->next_waiting = NULL;
	exchange->server = server ? &server->side : NULL;
}

static void stop_waiting(struct connection *connection, const struct exchange *exchange)
{
	struct exchange **link = &connection->waiting;

	while (*link && *link != exchange)
		link = &(*link)->next_waiting;
	if (*link)
		*link = exchange->next_waiting;
}

static bool is_awaited(const struct server *server)
{
	const struct exchange *exchange = server->connection->waiting;

	for (; exchange; exchange = exchange->next_waiting)
		if (exchange->server == &server->side)
			return true;
	return false;
}

/* Something has changed: each of those that wait tries again. */
static void admit_waiting(struct connection *connection)
{
	struct exchange *exchange = connection->waiting;

	connection->waiting = NULL;
	while (exchange) {
		struct exchange *next = exchange->next_waiting;

		exchange_reach(connection, exchange);
		exchange = next;
	}
}

/* Sharing with other clients */

/* A server that is shown the client's address must see whose request it is. */
static bool shares(const struct connection *connection)
{
	return regime_policy(connection->regime)->source == SOURCE_OWN;
}

static bool keep(struct connection *connection, struct server *server)
{
	return shares(connection) && server->served && !server->bound && is_idle(server) &&
	       !alpn_server_speaks_h2(server) && pool_keep(connection->gateway->pool, server);
}

/* A server may close what it has kept just when it is asked again: only what may be repeated goes there. */
static bool take_kept(struct server *server, const struct target *target,
		      const struct exchange *exchange)
{
	struct connection *connection = server->connection;

	if (!shares(connection) || exchange->repeated || exchange->request.upgrade ||
	    !exchange_is_repeatable(exchange) ||
	    !pool_give(connection->gateway->pool, server, target, ids_next(&connection->gateway->ids)))
		return false;
	server_event(server, EVENT_SERVER_CONNECT);
	server_event(server, EVENT_SERVER_CONNECTED);
	return true;
}

/* Reaching */

static void use(struct server *server, struct exchange *exchange)
{
	struct connection *connection = server->connection;

	if (!server->leg)
		server->leg = alpn_server_speaks_h2(server)
				      ? conversation_speak_h2(connection->conversation,
							      &server->side)
				      : conversation_speak(connection->conversation, &server->side);
	if (!server->leg) {
		if (server->exchange == exchange)
			server->exchange = NULL;
		conversation_server_failed(exchange, REASON_NO_MEMORY);
		return;
	}
	server->users++;
	conversation_server_ready(exchange, server->leg);
}

static void fail(struct server *server, struct exchange *exchange)
{
	if (server->exchange == exchange)
		server->exchange = NULL;
	conversation_server_failed(exchange, server->side.endpoint.error);
}

/* Tells the conversation once the server's fate is known. Whoever waited for the same server shares
 * it. */
static void settle(struct server *server)
{
	struct connection *connection = server->connection;
	struct exchange **link = &connection->waiting;

	if (server->stage == SERVER_READY) {
		if (server->exchange)
			use(server, server->exchange);
		admit_waiting(connection);
		return;
	}
	if (server->exchange)
		fail(server, server->exchange);
	while (*link) {
		struct exchange *exchange = *link;

		if (exchange->server != &server->side) {
			link = &exchange->next_waiting;
			continue;
		}
		*link = exchange->next_waiting;
		fail(server, exchange);
	}
}

/* True when its fate has been told. */
static bool advance(struct server *server)
{
	do {
		if (journey_advance(server) == SIDE_WAIT)
			return false;
	} while (on_its_way(server));
	settle(server);
	return true;
}

static void dial(struct server *server, const struct target *target, struct exchange *exchange)
{
	server->exchange = exchange;
	exchange->server = &server->side;
	journey_begin(server, target);
	advance(server);
}

/* Inside opened TLS a request may name a host that the server has never proved to be. A client that
 * could see the server's own certificate would not have sent it here (RFC 9110 section 7.4). */
static bool is_misdirected(const struct connection *connection, const struct exchange *exchange,
			   const struct target *target)
{
	const struct server *primary = &connection->server;
	const char *host = exchange->request.host;

	if (!connection->client.side.tls || target->upstream || !target->name || !host[0] ||
	    strcmp(host, target->name) == 0)
		return false;
	if (primary->verdict != REASON_NONE || !primary->side.tls)
		return primary->verdict == REASON_NONE;
	return !origin_covers(primary->side.tls, host);
}

void exchange_reach(struct connection *connection, struct exchange *exchange)
{
	struct target target;
	struct server *server;

	connection_target(connection, exchange->rule, &target);
	if (is_misdirected(connection, exchange, &target)) {
		conversation_server_failed(exchange, REASON_MISDIRECTED);
		return;
	}
	server = find(connection, &target, exchange);
	if (server) {
		use(server, exchange);
		return;
	}
	server = coming(connection, &target, exchange);
	if (server) {
		wait_for(connection, exchange, server);
		return;
	}
	if (exchange->request.upgrade)
		alpn_offer_http1(&target);
	server = vacant(connection);
	if (server && take_kept(server, &target, exchange))
		use(server, exchange);
	else if (server)
		dial(server, &target, exchange);
	else
		wait_for(connection, exchange, NULL);
}

static struct server *server_of(struct connection *connection, const struct side *side)
{
	struct server *server;

	for (server = connection->servers; server; server = server->next)
		if (&server->side == side)
			return server;
	return NULL;
}

/* An exchange that broke off spoils the connection, unless it was one of many there. */
static bool serves_on(const struct server *server, bool reusable)
{
	if (server->leg && leg_is_shared(server->leg))
		return !leg_is_spent(server->leg);
	return reusable;
}

void exchange_release(struct connection *connection, struct exchange *exchange,
		      const struct side *side, bool reusable)
{
	struct server *server = server_of(connection, exchange->server);

	stop_waiting(connection, exchange);
	if (!server)
		return;
	if (server->exchange == exchange)
		server->exchange = NULL;
	if (side)
		server->users--;
	server->served |= side && reusable;
	server->bound |= exchange_binds_connection(exchange);
	if (on_its_way(server) ? !server->exchange && !is_awaited(server)
			       : !server->users && !serves_on(server, reusable))
		drop(server);
	admit_waiting(connection);
}

bool servers_turn(struct connection *connection)
{
	bool told = false;

	for (struct server *server = connection->servers; server; server = server->next) {
		if (on_its_way(server)) {
			/* The primary one may be under way for the connection itself. */
			told |= advance(server);
		} else if (is_idle(server) && server->stage == SERVER_READY && is_stale(server)) {
			drop(server);
		}
	}
	return told;
}

int64_t servers_deadline(const struct connection *connection)
{
	int64_t earliest = INT64_MAX;

	for (const struct server *server = connection->servers; server; server = server->next)
		if (server->deadline < earliest)
			earliest = server->deadline;
	return earliest;
}

void servers_expire(struct connection *connection)
{
	int64_t now = clock_steady();

	for (struct server *server = connection->servers; server; server = server->next) {
		if (server->deadline > now)
			continue;
		journey_expire(server);
		/* Another server of the same upstream may do better. */
		if (on_its_way(server))
			advance(server);
		else
			settle(server);
	}
}

void servers_close(struct connection *connection, bool orderly)
{
	for (struct server *server = connection->servers; server; server = server->next) {
		bool open = server->side.fd >= 0;

		leg_retire(server->leg);
		server->leg = NULL;
		if ((open && keep(connection, server)) || orderly)
			server_close(server);
		else
			server_reset(server);
		if (open)
			server_event(server, EVENT_SERVER_DISCONNECTED);
	}
}

void servers_end(struct connection *connection)
{
	while (connection->server.next) {
		struct server *server = connection->server.next;

		connection->server.next = server->next;
		server_end(server);
		free(server);
	}
	server_end(&connection->server);
}
