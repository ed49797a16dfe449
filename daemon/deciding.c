#include <string.h>

#include "daemon/judgement.h"
#include "daemon/sparing.h"
#include "daemon/stage.h"
#include "daemon/targeting.h"
#include "daemon/trace.h"

/* What comes next on the way to carrying bytes, as far as it is not done yet. */
enum stage connection_proceed(struct connection *connection)
{
	struct server *server = &connection->server;

	if (!server_is_for(server, &connection->target))
		return CONNECTING;
	if (server->stage == SERVER_SECURING)
		return SECURING_SERVER;
	if (server->stage != SERVER_READY)
		return CONNECTING;
	if (connection->silent && !(connection->learned & MOMENT_HELLO))
		return PEEKING;
	if (connection->opened && !connection->rule &&
	    !(connection->learned & MOMENT_CERTIFICATE)) {
		connection->learned |= MOMENT_CERTIFICATE;
		return DECIDING;
	}
	if (connection->opened && !connection->client.side.endpoint.tls_setup.wall)
		return SECURING_CLIENT;
	return connection->inquiry ? INQUIRING : RELAYING;
}

/* An origin whose certificate failed was dialled only so that the judge, or the client, could see it. */
static enum reason intolerable(const struct connection *connection, const struct rule *rule)
{
	const struct server *server = &connection->server;

	if (!server_is_for(server, &connection->target) || server->stage != SERVER_READY)
		return REASON_NONE;
	if (rule && rule->on_invalid != ON_INVALID_REFUSE)
		return REASON_NONE;
	return server->verdict;
}

/* Opening costs two handshakes; who asks for too many is told at the first. */
static bool may_open(struct connection *connection)
{
	uint64_t rate = (uint64_t)connection_limit(connection, LIMIT_DEVICE_HANDSHAKES);
	unsigned workers = connection->gateway->workers;

	return connection->opened ||
	       budget_handshake(connection->share, (rate + workers - 1) / workers, clock_steady());
}

static enum stage open_tls(struct connection *connection, const struct rule *rule)
{
	enum reason reason;

	if (!may_open(connection))
		return connection_refuse(connection, REASON_DEVICE_HANDSHAKES, REFUSE_BY_RESET);
	if (!connection->gateway->issuer)
		return connection_refuse(connection, REASON_SIGNER_UNAVAILABLE, REFUSE_BY_ALERT);
	connection->opened = true;
	connection_target(connection, rule, &connection->target);
	/* Without a rule and a look at the certificate yet, the judge comes first. */
	if (!rule && !(connection->learned & MOMENT_CERTIFICATE))
		return connection_proceed(connection);
	reason = intolerable(connection, rule);
	if (reason == REASON_NONE)
		return connection_proceed(connection);
	endpoint_fail(&connection->server.side.endpoint, reason, NULL);
	return connection_refuse_failure(connection, reason);
}

/* No rule holds yet: the certificate is looked at even when it fails, so that the judge can see it.
 */
static enum stage look_inside(struct connection *connection)
{
	enum stage next = open_tls(connection, NULL);

	connection->target.tolerant = true;
	return next;
}

static enum stage learn(struct connection *connection, const struct decision *decision)
{
	if (decision->wanted == MOMENT_HELLO)
		return PEEKING;
	if (client_speaks_http(&connection->client))
		return EXCHANGING;
	return look_inside(connection);
}

static enum stage block(struct connection *connection)
{
	bool http = client_speaks_http(&connection->client);
	bool tls = connection->client.protocol == PROTOCOL_TLS && !connection->client.side.tls;

	switch (connection->rule->block) {
	case BLOCK_PAGE:
		if (!(connection->learned & MOMENT_HELLO))
			return PEEKING;
		if (http)
			return EXCHANGING;
		return connection_refuse(connection, REASON_BLOCKED,
					 tls ? REFUSE_BY_ALERT : REFUSE_BY_RESET);
	case BLOCK_DROP:
		return connection_refuse(connection, REASON_BLOCKED, REFUSE_BY_SILENCE);
	default:
		return connection_refuse(connection, REASON_BLOCKED, REFUSE_BY_RESET);
	}
}

static enum stage pass(struct connection *connection)
{
	/* The certificate was looked at and found fine: the client gets its TLS untouched, on a
	 * connection of its own. */
	if (!connection->client.side.tls)
		connection->opened = false;
	connection_target(connection, connection->rule, &connection->target);
	return connection_proceed(connection);
}

static enum stage spare_or_open(struct connection *connection)
{
	bool refused;

	connection->spared = sparing_decide(connection, connection->rule, &refused);
	if (refused)
		return connection_refuse(connection, REASON_POST_QUANTUM, REFUSE_BY_ALERT);
	if (connection->spared != SPARED_NOT)
		return pass(connection);
	return open_tls(connection, connection->rule);
}

static enum stage inspect(struct connection *connection)
{
	if (!(connection->learned & MOMENT_HELLO))
		return PEEKING;
	if (client_speaks_http(&connection->client))
		return EXCHANGING;
	if (connection->client.protocol != PROTOCOL_TLS)
		return pass(connection);
	if (connection->rule->verdict == VERDICT_INSPECT && !connection->client.side.tls)
		return spare_or_open(connection);
	return open_tls(connection, connection->rule);
}

static enum stage route(struct connection *connection)
{
	const struct upstream *upstream = connection->rule->upstream;

	if (!(connection->learned & MOMENT_HELLO))
		return PEEKING;
	/* Its Host may have to change, or its requests may differ. */
	if (client_speaks_http(&connection->client))
		return EXCHANGING;
	if (connection->client.protocol == PROTOCOL_TLS && upstream->tls != UPSTREAM_TLS_AS_CLIENT)
		return inspect(connection);
	return pass(connection);
}

/* Requests are answered in the server's place; what has none cannot be. */
static enum stage reply(struct connection *connection)
{
	if (!(connection->learned & MOMENT_HELLO))
		return PEEKING;
	if (connection->client.protocol == PROTOCOL_HTTP)
		return EXCHANGING;
	if (connection->client.protocol != PROTOCOL_TLS)
		return connection_refuse(connection, REASON_BLOCKED, REFUSE_BY_RESET);
	return reply_upgrades(&connection->rule->reply) ? pass(connection) : inspect(connection);
}

static void adopt(struct connection *connection, const struct decision *decision)
{
	connection->rule = decision->rule;
	connection->shadow_count = decision->shadow_count;
	memcpy(connection->shadows, decision->shadows, sizeof(connection->shadows));
}

/* TLS is followed from its first answered byte on (securing.c). */
static void follow(struct connection *connection)
{
	const struct rule *rule = connection->rule;
	bool reads = rule->verdict == VERDICT_INSPECT || rule->verdict == VERDICT_ROUTE;

	if (reads && connection->client.protocol == PROTOCOL_HTTP)
		trace_follow(connection->gateway->journal, rule->captures,
			     &connection->client.side, PCAPNG_CLIENTS);
}

static enum stage obey(struct connection *connection)
{
	/* There each question is judged by itself, the first one, too. */
	if (connection->client.protocol == PROTOCOL_DNS && !connection->client.side.tls)
		return INQUIRING;
	switch (connection->rule->verdict) {
	case VERDICT_BLOCK:
		return block(connection);
	case VERDICT_INSPECT:
		return inspect(connection);
	case VERDICT_ROUTE:
		return route(connection);
	case VERDICT_REDIRECT:
	case VERDICT_RESPOND:
		return reply(connection);
	default:
		return pass(connection);
	}
}

enum stage deciding_turn(struct connection *connection)
{
	struct decision decision = connection_judge(connection);
	enum stage next;

	connection->rule = NULL;
	if (decision.ask)
		return learn(connection, &decision);
	adopt(connection, &decision);
	follow(connection);
	next = obey(connection);
	/* Where more has to be learned, or every request is judged, the hit is counted there. */
	if (next != PEEKING && next != EXCHANGING && next != INQUIRING && connection->counted != connection->rule) {
		decision_count(connection, &decision);
		connection->counted = connection->rule;
	}
	return next;
}
