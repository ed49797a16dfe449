#include <errno.h>

#include "daemon/stage.h"

enum { REFUSED_CHUNKS = 16 }; /* thrown away in one turn */

/* RFC 8446 section 6.2 */
static uint8_t alert_for(enum reason reason)
{
	switch (reason) {
	case REASON_BLOCKED:
		return ALERT_ACCESS_DENIED;
	case REASON_HELLO_BROKEN:
		return ALERT_DECODE_ERROR;
	default:
		return ALERT_HANDSHAKE_FAILURE;
	}
}

enum stage connection_refuse(struct connection *connection, enum reason reason,
			     enum refusal refusal)
{
	if (connection->reason == REASON_NONE)
		connection->reason = reason;
	connection->refusal = refusal;
	if (refusal == REFUSE_BY_RESET)
		return ENDED;
	if (refusal == REFUSE_BY_ALERT)
		client_alert(&connection->client, alert_for(reason));
	return REFUSING;
}

/* A client whose hello is still unanswered can be told by an alert; any other by a reset. */
enum stage connection_refuse_failure(struct connection *connection, enum reason reason)
{
	bool unanswered = connection->client.protocol == PROTOCOL_TLS && connection->opened &&
			  !connection->client.side.tls;

	return connection_refuse(connection, reason,
				 unanswered ? REFUSE_BY_ALERT : REFUSE_BY_RESET);
}

enum stage refusing_turn(struct connection *connection)
{
	struct side *side = &connection->client.side;
	ssize_t got = 1;

	if (side_flush(side) < 0)
		return ENDED;
	/* Unread bytes would turn our close into a reset and take the alert with them. */
	for (int chunk = 0; got > 0 && chunk < REFUSED_CHUNKS; chunk++)
		got = side_read(side, connection->gateway->scratch, CHUNK_SIZE);
	if (got > 0)
		gateway_again(connection->gateway, connection);
	if (got > 0)
		return REFUSING;
	if (got < 0 && errno == EAGAIN)
		return REFUSING;
	return connection->refusal == REFUSE_BY_SILENCE && got == 0 ? REFUSING : ENDED;
}

void refusing_late(struct connection *connection)
{
	connection_close(connection, REASON_BLOCKED);
}
