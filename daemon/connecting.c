#include "daemon/journey.h"
#include "daemon/stage.h"
#include "daemon/targeting.h"
#include "daemon/view.h"

static void start_server(struct connection *connection)
{
	struct server *server = &connection->server;

	if (server->side.fd >= 0) {
		server_event(server, EVENT_SERVER_DISCONNECTED);
		server_close(server);
	}
	journey_begin(server, &connection->target);
}

/* Nothing is read from the client meanwhile, and its reset may have come with its first bytes: the
 * server of one that has gone is not waited for. */
static bool client_has_gone(struct connection *connection)
{
	return side_is_broken(&connection->client.side);
}

enum stage connecting_turn(struct connection *connection)
{
	struct server *server = &connection->server;

	if (!server_is_for(server, &connection->target))
		start_server(connection);
	do {
		if (journey_advance(server) == SIDE_WAIT) {
			if (client_has_gone(connection))
				return connection_leave(connection, REASON_CLIENT_RESET);
			connection_set_alarm(connection, server->deadline);
			return CONNECTING;
		}
	} while (server->stage == SERVER_RESOLVING);
	if (server->stage == SERVER_FAILED)
		return connection_refuse_failure(connection, server->side.endpoint.error);
	return connection_proceed(connection);
}

static bool may_pass(const struct connection *connection)
{
	const struct rule *rule = connection->rule;

	return rule && rule->client_certificate == CLIENT_CERTIFICATE_PASS &&
	       rule->verdict == VERDICT_INSPECT && !connection->client.side.tls;
}

/* The server wants a certificate that only its client has. The client's hello is still unread: the
 * two can speak to one another. */
static enum stage pass_after_all(struct connection *connection)
{
	connection->spared = SPARED_CLIENT_CERTIFICATE;
	connection->opened = false;
	server_close(&connection->server);
	connection_target(connection, connection->rule, &connection->target);
	return CONNECTING;
}

enum stage securing_server_turn(struct connection *connection)
{
	struct server *server = &connection->server;

	switch (journey_advance(server)) {
	case SIDE_WAIT:
		return client_has_gone(connection)
			       ? connection_leave(connection, REASON_CLIENT_RESET)
			       : SECURING_SERVER;
	case SIDE_FAILED:
		if (server->side.endpoint.error == REASON_ORIGIN_WANTS_CERTIFICATE &&
		    may_pass(connection))
			return pass_after_all(connection);
		return connection_refuse_failure(connection, server->side.endpoint.error);
	default:
		return connection_proceed(connection);
	}
}

void connecting_late(struct connection *connection)
{
	struct server *server = &connection->server;

	journey_expire(server);
	connection_divert(connection, server->stage == SERVER_FAILED
					      ? connection_refuse_failure(
							connection, server->side.endpoint.error)
					      : CONNECTING);
}
