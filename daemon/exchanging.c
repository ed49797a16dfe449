#include "daemon/exchanging.h"

#include <sys/param.h>

#include "daemon/alpn.h"
#include "daemon/judgement.h"
#include "daemon/servers.h"
#include "daemon/stage.h"
#include "daemon/view.h"

static uint64_t identify(void *context)
{
	const struct connection *connection = context;

	return ids_next(&connection->gateway->ids);
}

static struct decision judge(void *context, const struct exchange *exchange)
{
	struct connection *connection = context;
	struct decision decision = exchange_judge(connection, exchange);

	/* Where each request is judged, the first one names the connection's rule. */
	if (!connection->rule && !decision.ask)
		connection->rule = decision.rule;
	return decision;
}

static void reach(void *context, struct exchange *exchange)
{
	exchange_reach(context, exchange);
}

static void release(void *context, struct exchange *exchange, struct side *server, bool reusable)
{
	exchange_release(context, exchange, server, reusable);
}

static void note(void *context, const struct exchange *exchange, enum exchange_event event)
{
	static const enum event_kind kinds[] = {
		[EXCHANGE_REQUEST_HEADERS] = EVENT_REQUESTHEADERS,
		[EXCHANGE_REQUEST] = EVENT_REQUEST,
		[EXCHANGE_RESPONSE_HEADERS] = EVENT_RESPONSEHEADERS,
		[EXCHANGE_RESPONSE] = EVENT_RESPONSE,
		[EXCHANGE_ERROR] = EVENT_ERROR,
		[EXCHANGE_WEBSOCKET_START] = EVENT_WEBSOCKET_START,
		[EXCHANGE_WEBSOCKET_END] = EVENT_WEBSOCKET_END,
	};
	struct connection *connection = context;

	if (event != EXCHANGE_OVER) {
		connection_note(connection, kinds[event], exchange);
		return;
	}
	connection->exchanges++;
	exchange_report(connection, exchange);
}

static void finish(void *context, enum reason reason)
{
	connection_close(context, reason);
}

static const struct conversation_host host = {
	.identify = identify,
	.judge = judge,
	.reach = reach,
	.release = release,
	.note = note,
	.finish = finish,
};

static int exchanging_begin(struct connection *connection)
{
	const struct conversation_settings settings = {
		.host = &host,
		.context = connection,
		.client = &connection->client.side,
		.allowance = &connection->allowance,
		.limits = &regime_policy(connection->regime)->limits,
		.http2 = alpn_client_speaks_h2(connection),
		.secure = connection->client.side.tls != NULL,
		.leaving = connection->gateway->draining,
		.default_host = connection->client.host,
	};

	connection->conversation = conversation_new(&settings);
	return connection->conversation ? 0 : -1;
}

static int64_t exchanging_deadline(const struct connection *connection)
{
	int64_t conversation = conversation_deadline(connection->conversation);
	int64_t servers = servers_deadline(connection);

	return MIN(conversation, servers);
}

static void exchanging_expire(struct connection *connection)
{
	if (conversation_deadline(connection->conversation) <= clock_steady())
		conversation_expire(connection->conversation);
}

void exchanging_end(struct connection *connection)
{
	conversation_free(connection->conversation);
	connection->conversation = NULL;
	for (struct server *server = connection->servers; server; server = server->next)
		server->leg = NULL;
}

enum stage exchanging_turn(struct connection *connection)
{
	int64_t due;

	if (!connection->conversation && exchanging_begin(connection) < 0)
		return connection_leave(connection, REASON_NO_MEMORY);
	servers_turn(connection);
	/* A server may refuse between the moment it is dialled and the end of the turn: no edge
	 * would tell of it again. */
	do {
		if (connection->stage != ENDED)
			conversation_turn(connection->conversation);
	} while (connection->stage != ENDED && servers_turn(connection));
	if (connection->stage == ENDED)
		return ENDED;
	due = exchanging_deadline(connection);
	if (!due)
		gateway_again(connection->gateway, connection);
	else if (due < connection->alarm)
		connection_set_alarm(connection, due);
	return EXCHANGING;
}

void exchanging_late(struct connection *connection)
{
	servers_expire(connection);
	if (connection->stage == EXCHANGING)
		exchanging_expire(connection);
	connection->alarm = INT64_MAX;
	connection_turn(connection);
}
