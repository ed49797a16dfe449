#include <errno.h>
#include <string.h>

#include "daemon/judgement.h"
#include "daemon/stage.h"
#include "daemon/view.h"

static enum stage relay_failed(struct connection *connection, enum reason reason, struct side *side)
{
	if (errno == EPROTO && reason == REASON_SERVER_RESET)
		reason = REASON_TRUNCATED;
	endpoint_fail(&side->endpoint, reason, strerror(errno));
	return connection_leave(connection, side->endpoint.error);
}

/* What was decided by addresses alone is still named in the journal, as far as one look at the
 * first bytes tells; nothing waits for it and nothing depends on it. */
static void sniff(struct connection *connection)
{
	enum reason reason;
	enum client_peek seen;

	if (connection->sniffed || connection->learned & MOMENT_HELLO)
		return;
	seen = client_peek(&connection->client, connection->gateway->room, &reason);
	if (seen == CLIENT_SILENT && !connection->client.side.endpoint.received)
		return;
	connection->sniffed = true;
	client_give_up_peeking(&connection->client);
	if (seen != CLIENT_SPOKE)
		return;
	if (connection->client.protocol == PROTOCOL_TLS)
		connection_note(connection, EVENT_TLS_CLIENTHELLO, NULL);
	connection_judge_shadows(connection);
}

enum stage relaying_turn(struct connection *connection)
{
	struct gateway *gateway = connection->gateway;
	struct relay *relay = &connection->relay;

	sniff(connection);
	if (!relay->scratch)
		relay_begin(relay, &connection->client.side, &connection->server.side,
			    &gateway->pipes, gateway->scratch);
	switch (relay_turn(relay)) {
	case RELAY_WAIT:
		if (relay_half_closed(relay))
			connection_set_alarm(
				connection,
				connection->active +
					connection_limit(connection, LIMIT_HALF_CLOSED));
		return RELAYING;
	case RELAY_AGAIN:
		gateway_again(gateway, connection);
		return RELAYING;
	case RELAY_FINISHED:
		return connection_leave(connection, REASON_FINISHED);
	case RELAY_CLIENT_FAILED:
		return relay_failed(connection, REASON_CLIENT_RESET, relay->up.from);
	default:
		return relay_failed(connection, REASON_SERVER_RESET, relay->down.from);
	}
}

void relaying_late(struct connection *connection)
{
	enum limit allowed = relay_half_closed(&connection->relay) ? LIMIT_HALF_CLOSED : LIMIT_IDLE;
	int64_t until = connection->active + connection_limit(connection, allowed);

	if (until > clock_steady())
		connection_set_alarm(connection, until);
	else
		connection_close(connection, REASON_IDLE);
}
