#include "daemon/servers.h"

#include <stdlib.h>

#include "daemon/view.h"

/* Offered to every origin of inspected traffic that the client would speak it with. */
static const uint8_t http1[] = { 8, 'h', 't', 't', 'p', '/', '1', '.', '1' };

static bool client_offers_http1(const struct client *client)
{
	const struct hello offered = { .alpn = { client->alpn, client->alpn_length } };

	return client->alpn_length && hello_offers(&offered, "http/1.1");
}

static bool wants_tls(const struct connection *connection, const struct upstream *upstream)
{
	if (upstream && upstream->tls == UPSTREAM_TLS_ON)
		return true;
	if (upstream && upstream->tls == UPSTREAM_TLS_OFF)
		return false;
	return connection->opened;
}

static void aim(const struct connection *connection, const struct upstream *upstream,
		struct target *target)
{
	const struct address *destination = &connection->client.side.endpoint.local;

	target->address = *destination;
	if (!upstream)
		return;
	if (upstream->host) {
		target->host = upstream->host;
		target->port = upstream->port ? upstream->port : destination->port;
		target->address = (struct address){ .family = AF_UNSPEC };
	} else if (upstream->address.family != AF_UNSPEC) {
		target->address = upstream->address;
		if (!target->address.port)
			target->address.port = destination->port;
	}
}

static const char *name_to_verify(const struct connection *connection,
				  const struct upstream *upstream)
{
	if (upstream && upstream->verify_name)
		return upstream->verify_name;
	if (upstream && upstream->host)
		return upstream->host;
	return connection->client.protocol == PROTOCOL_TLS ? connection->client.host : NULL;
}

/* `mirror` needs a client that can still be shown, or has been shown, what is wrong with this very
 * origin. */
static bool may_fail(const struct connection *connection, const struct rule *rule,
		     const struct upstream *upstream)
{
	bool shown = connection->mirrored && upstream == connection->target.upstream;

	if (!rule || rule->on_invalid == ON_INVALID_REFUSE)
		return false;
	return rule->on_invalid == ON_INVALID_ALLOW || shown ||
	       (connection->opened && !connection->client.side.endpoint.tls_setup.wall);
}

void connection_target(struct connection *connection, const struct rule *rule,
		       struct target *target)
{
	const struct policy *policy = regime_policy(connection->regime);
	const struct upstream *upstream =
		rule && rule->verdict == VERDICT_ROUTE ? rule->upstream : NULL;

	*target = (struct target){
		.upstream = upstream,
		.tls = wants_tls(connection, upstream),
		.generation = policy->generation,
		.limits = &policy->limits,
		.keep_source = connection->gateway->transparent && policy->source == SOURCE_KEEP,
		.source = connection->client.side.endpoint.peer,
	};
	aim(connection, upstream, target);
	if (!target->tls)
		return;
	target->name = name_to_verify(connection, upstream);
	target->trust = regime_trust(connection->regime, upstream);
	target->tolerant = may_fail(connection, rule, upstream);
	target->wants_status = rule && rule->wants_status;
	if (client_offers_http1(&connection->client) || connection->client.protocol == PROTOCOL_HTTP) {
		target->alpn = http1;
		target->alpn_length = sizeof(http1);
	}
}

void server_note(struct server *server, enum server_stage before)
{
	if (server->stage == SERVER_FAILED && before == SERVER_SECURING) {
		server_event(server, EVENT_TLS_FAILED_SERVER);
		server_event(server, EVENT_SERVER_DISCONNECTED);
		return;
	}
	if (server->stage == SERVER_FAILED) {
		server_event(server, EVENT_SERVER_CONNECT_ERROR);
		return;
	}
	if (before == SERVER_CONNECTING)
		server_event(server, EVENT_SERVER_CONNECTED);
	if (server->stage == SERVER_SECURING)
		server_event(server, EVENT_TLS_START_SERVER);
	if (before == SERVER_SECURING)
		server_event(server, EVENT_TLS_ESTABLISHED_SERVER);
}

static void woke(struct server *server)
{
	connection_turn(server->connection);
}

static struct server *find(struct connection *connection, const struct target *target)
{
	struct server *server;

	for (server = connection->servers; server; server = server->next) {
		if (server->exchange || !server_is_for(server, target))
			continue;
		if (server->verdict != REASON_NONE && !target->tolerant)
			continue;
		if (!server_is_stale(server))
			return server;
		server_event(server, EVENT_SERVER_DISCONNECTED);
		server_close(server);
	}
	return NULL;
}

/* An unused one, an idle one that has to give way, or a new one while there is room. */
static struct server *vacant(struct connection *connection)
{
	struct server *idle = NULL, *server;
	size_t count = 0;

	for (server = connection->servers; server; server = server->next) {
		count++;
		if (server->exchange)
			continue;
		if (server->stage == SERVER_UNUSED || server->stage == SERVER_FAILED)
			return server;
		idle = server;
	}
	if (count < SERVERS_MAX) {
		server = malloc(sizeof(*server));
		if (!server)
			return NULL;
		server_begin(server, &connection->gateway->world, connection, woke);
		server->next = connection->server.next;
		connection->server.next = server;
		return server;
	}
	if (idle) {
		server_event(idle, EVENT_SERVER_DISCONNECTED);
		server_close(idle);
	}
	return idle;
}

/* Tells the conversation once the server's fate is known. */
static void settle(struct server *server)
{
	struct exchange *exchange = server->exchange;

	if (server->stage == SERVER_READY) {
		exchange->server = &server->side;
		conversation_server_ready(exchange, &server->side);
	} else if (server->stage == SERVER_FAILED) {
		enum reason reason = server->side.endpoint.error;

		exchange->server = NULL;
		server->exchange = NULL;
		conversation_server_failed(exchange, reason);
	}
}

static bool on_its_way(const struct server *server)
{
	return server->stage == SERVER_RESOLVING || server->stage == SERVER_CONNECTING ||
	       server->stage == SERVER_SECURING;
}

static void advance(struct server *server)
{
	enum server_stage before;

	do {
		before = server->stage;
		if (server_advance(server) == SIDE_WAIT)
			return;
		server_note(server, before);
	} while (on_its_way(server));
	if (server->exchange)
		settle(server);
}

void exchange_reach(struct connection *connection, struct exchange *exchange)
{
	struct target target;
	struct server *server;

	connection_target(connection, exchange->rule, &target);
	server = find(connection, &target);
	if (server) {
		server->exchange = exchange;
		settle(server);
		return;
	}
	server = vacant(connection);
	if (!server) {
		conversation_server_failed(exchange, REASON_TOO_MANY);
		return;
	}
	server_start(server, &target, gateway_id(connection->gateway));
	server->exchange = exchange;
	exchange->server = &server->side;
	server_event(server, EVENT_SERVER_CONNECT);
	advance(server);
}

void exchange_release(struct connection *connection, struct exchange *exchange, bool reusable)
{
	struct server *server;

	for (server = connection->servers; server; server = server->next) {
		if (server->exchange != exchange)
			continue;
		server->exchange = NULL;
		if (reusable)
			return;
		server_event(server, EVENT_SERVER_DISCONNECTED);
		server_close(server);
	}
}

void servers_turn(struct connection *connection)
{
	for (struct server *server = connection->servers; server; server = server->next) {
		if (on_its_way(server)) {
			advance(server);
		} else if (server->exchange && server->stage == SERVER_FAILED) {
			/* The resolver's answer came between two turns. */
			server_note(server, SERVER_RESOLVING);
			settle(server);
		} else if (!server->exchange && server->stage == SERVER_READY &&
			   server_is_stale(server)) {
			server_event(server, EVENT_SERVER_DISCONNECTED);
			server_close(server);
		}
	}
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
		enum server_stage before = server->stage;

		if (server->deadline > now)
			continue;
		server_expire(server);
		server_note(server, before);
		if (server->exchange)
			settle(server);
	}
}

void servers_close(struct connection *connection, bool orderly)
{
	for (struct server *server = connection->servers; server; server = server->next) {
		bool open = server->side.fd >= 0;

		if (orderly)
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
