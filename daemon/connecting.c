#include "daemon/servers.h"
#include "daemon/stage.h"
#include "daemon/view.h"

static void start_server(struct connection *connection)
{
	struct server *server = &connection->server;

	if (server->side.fd >= 0) {
		server_event(server, EVENT_SERVER_DISCONNECTED);
		server_close(server);
	}
	server_start(server, &connection->target, gateway_id(connection->gateway));
	server_event(server, EVENT_SERVER_CONNECT);
}

enum stage connecting_turn(struct connection *connection)
{
	struct server *server = &connection->server;
	enum server_stage before;

	/* The resolver's answer came between two turns. */
	if (server->stage == SERVER_FAILED && server->side.endpoint.error) {
		server_note(server, SERVER_RESOLVING);
		return connection_refuse_failure(connection, server->side.endpoint.error);
	}
	if (!server_is_for(server, &connection->target))
		start_server(connection);
	before = server->stage;
	switch (server_advance(server)) {
	case SIDE_WAIT:
		return CONNECTING;
	case SIDE_FAILED:
		server_note(server, before);
		return connection_refuse_failure(connection, server->side.endpoint.error);
	default:
		server_note(server, before);
		return connection_proceed(connection);
	}
}

enum stage securing_server_turn(struct connection *connection)
{
	struct server *server = &connection->server;

	switch (server_advance(server)) {
	case SIDE_WAIT:
		return SECURING_SERVER;
	case SIDE_FAILED:
		server_note(server, SERVER_SECURING);
		return connection_refuse_failure(connection, server->side.endpoint.error);
	default:
		server_note(server, SERVER_SECURING);
		return connection_proceed(connection);
	}
}

void connecting_late(struct connection *connection)
{
	struct server *server = &connection->server;
	enum server_stage before = server->stage;

	server_expire(server);
	server_note(server, before);
	connection_divert(connection, connection_refuse_failure(
					      connection, connection->server.side.endpoint.error));
}
