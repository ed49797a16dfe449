#include <errno.h>

#include "daemon/judgement.h"
#include "daemon/recognition.h"
#include "daemon/stage.h"
#include "daemon/targeting.h"
#include "daemon/view.h"

static enum stage learned_hello(struct connection *connection)
{
	if (connection->client.side.tls) {
		/* Not HTTP inside TLS: nothing more can be learned. */
		if (connection->client.inner == PROTOCOL_HTTP ||
		    connection->client.inner == PROTOCOL_HTTP2)
			return EXCHANGING;
		connection->learned |= MOMENT_REQUEST | MOMENT_RESPONSE;
		return DECIDING;
	}
	connection->learned |= MOMENT_HELLO;
	if (connection->client.protocol != PROTOCOL_TLS)
		connection->learned |= MOMENT_CERTIFICATE;
	if (connection->client.protocol != PROTOCOL_TLS && !client_speaks_http(&connection->client))
		connection->learned |= MOMENT_REQUEST | MOMENT_RESPONSE;
	if (connection->client.protocol == PROTOCOL_TLS)
		connection_note(connection, EVENT_TLS_CLIENTHELLO, NULL);
	return DECIDING;
}

/* Only bytes of the server that came before any of the client's decide here: a client that is
 * merely slow cannot slip past the rules for names. */
static enum stage peek_server(struct connection *connection)
{
	struct peek_room *room = connection->gateway->room;
	enum protocol protocol;
	ssize_t got = side_peek(&connection->server.side, room->stream, sizeof(room->stream));

	if (got < 0 && errno == EAGAIN)
		return PEEKING;
	if (got <= 0)
		return connection_leave(connection,
					got == 0 ? REASON_FINISHED : REASON_SERVER_RESET);
	protocol_of_server(room->stream, (size_t)got, true, &protocol);
	if (connection->client.side.tls)
		connection->client.inner = protocol;
	else
		connection->client.protocol = protocol;
	return learned_hello(connection);
}

enum stage peeking_turn(struct connection *connection)
{
	enum reason reason;

	switch (client_peek(&connection->client, connection->gateway->room, &reason)) {
	case CLIENT_SPOKE:
		return learned_hello(connection);
	case CLIENT_SILENT:
		return connection->silent ? peek_server(connection) : PEEKING;
	case CLIENT_MORE:
		/* What waits in the socket hides what came behind it. */
		if (side_is_broken(&connection->client.side))
			return connection_leave(connection, REASON_CLIENT_RESET);
		/* It has begun to speak after all. */
		if (connection->silent) {
			connection->since = clock_steady();
			connection_set_alarm(connection,
					     connection->since + SILENCE_MILLISECONDS * 1000);
		}
		connection->silent = false;
		return PEEKING;
	case CLIENT_LEFT:
		return connection_leave(connection, REASON_FINISHED);
	default:
		if (reason == REASON_CLIENT_RESET || connection->client.side.tls)
			return connection_leave(connection, reason);
		return connection_refuse(connection, reason, REFUSE_BY_ALERT);
	}
}

/* Nothing was said for a while: connect, and see who speaks first. */
static enum stage listen_to_server(struct connection *connection)
{
	/* A page was wanted for whatever it would have asked; no server is dialled for that. */
	if (connection->rule && (connection->rule->verdict == VERDICT_BLOCK ||
				 rule_replies(connection->rule)))
		return connection_refuse(connection, REASON_BLOCKED, REFUSE_BY_RESET);
	connection->silent = true;
	if (connection->server.stage == SERVER_READY)
		return PEEKING;
	connection_target(connection, connection->rule, &connection->target);
	return CONNECTING;
}

/* A beginning that no rule wants to see the end of: SOCKS, or nothing that has a name, both pass. */
static bool is_beginning_enough(struct connection *connection)
{
	unsigned candidates;

	if (connection->client.side.tls)
		return false;
	candidates = client_candidates(&connection->client, connection->gateway->room);
	return candidates && connection_is_judged_alike(connection, candidates);
}

static void wait_for_the_rest(struct connection *connection)
{
	int64_t until = connection->since + connection_limit(connection, LIMIT_HELLO);

	if (is_beginning_enough(connection)) {
		connection->client.protocol = PROTOCOL_UNKNOWN;
		connection_divert(connection, learned_hello(connection));
	} else if (until > clock_steady()) {
		connection_set_alarm(connection, until);
	} else {
		connection_close(connection, REASON_HELLO_TIMEOUT);
	}
}

void peeking_late(struct connection *connection)
{
	char byte;

	if (connection->silent)
		connection_close(connection, REASON_IDLE);
	else if (side_peek(&connection->client.side, &byte, 1) > 0)
		wait_for_the_rest(connection);
	else
		connection_divert(connection, listen_to_server(connection));
}
