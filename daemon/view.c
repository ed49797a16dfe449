#include "daemon/view.h"

#include "daemon/stage.h"

static const struct endpoint *shown_server(const struct connection *connection,
					   const struct exchange *exchange)
{
	if (exchange && exchange->server)
		return &exchange->server->endpoint;
	return connection->server.side.endpoint.id ? &connection->server.side.endpoint : NULL;
}

static const char *const spared_words[] = {
	[SPARED_NOT] = NULL,
	[SPARED_PINNED] = "pinned",
	[SPARED_POST_QUANTUM] = "post-quantum",
	[SPARED_CLIENT_CERTIFICATE] = "client-certificate",
};

void connection_view(const struct connection *connection, const struct exchange *exchange,
		     struct connection_view *view)
{
	const struct client *client = &connection->client;

	*view = (struct connection_view){
		.id = connection->id,
		.client = &client->side.endpoint,
		.server = shown_server(connection, exchange),
		.protocol = client->protocol,
		.host = client->host ? client->host : client->question,
		.port_name = client->port_name,
		.mac = client->mac_known ? client->mac : NULL,
		.device = client->device ? client->device->name : NULL,
		.rule = connection->rule,
		.shadow_count = connection->shadow_count,
		.shadows = connection->shadows,
		.stage = connection->stage == ENDED ? NULL : stage_word(connection->stage),
		.spared = spared_words[connection->spared],
		.reason = connection->reason,
		.exchanges = connection->exchanges,
		.generation = regime_policy(connection->regime)->generation,
	};
}

void connection_note(struct connection *connection, enum event_kind kind,
		     const struct exchange *exchange)
{
	struct journal *journal = connection->gateway->journal;
	struct connection_view view;

	if (!journal_wants_events(journal))
		return;
	connection_view(connection, exchange, &view);
	journal_event(journal, kind, &view, exchange);
}

void server_event(const struct server *server, enum event_kind kind)
{
	const struct connection *connection = server->connection;
	struct journal *journal = connection->gateway->journal;
	struct connection_view view;

	if (!journal_wants_events(journal))
		return;
	connection_view(connection, NULL, &view);
	view.server = &server->side.endpoint;
	journal_event(journal, kind, &view, server->exchange);
}

static void count(_Atomic uint64_t *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static void count_connection(struct connection *connection)
{
	struct counters *counters = connection->gateway->counters;
	const struct endpoint *client = &connection->client.side.endpoint;
	const struct endpoint *server = &connection->server.side.endpoint;

	count(&counters->reasons[connection->reason], 1);
	count(&counters->bytes_from_clients, client->received);
	count(&counters->bytes_from_servers, server->received);
	counters_duration(counters, DURATION_CONNECT,
			  instant_between(&server->start, &server->tcp_setup));
	counters_duration(counters, DURATION_TLS_SERVER,
			  instant_between(&server->tcp_setup, &server->tls_setup));
	counters_duration(counters, DURATION_TLS_CLIENT,
			  instant_between(&server->tls_setup, &client->tls_setup));
	counters_duration(counters, DURATION_TOTAL, instant_between(&client->start, &client->end));
	if (!connection->rule)
		return;
	switch (connection->rule->verdict) {
	case VERDICT_PASS:
		count(&counters->passed, 1);
		break;
	case VERDICT_INSPECT:
		count(&counters->inspected, 1);
		break;
	case VERDICT_BLOCK:
		count(&counters->blocked, 1);
		break;
	case VERDICT_ROUTE:
		count(&counters->routed, 1);
		break;
	case VERDICT_REDIRECT:
	case VERDICT_RESPOND:
		count(&counters->answered, 1);
		break;
	}
}

void connection_report(struct connection *connection)
{
	struct connection_view view;

	count_connection(connection);
	if (connection->rule && connection->rule->log == JOURNAL_NONE)
		return;
	connection_view(connection, NULL, &view);
	journal_connection(connection->gateway->journal, &view);
}

void exchange_report(struct connection *connection, const struct exchange *exchange)
{
	struct counters *counters = connection->gateway->counters;
	enum journal_level level = exchange->rule ? exchange->rule->log : JOURNAL_EXCHANGES;
	struct connection_view view;

	count(&counters->exchanges, 1);
	counters_duration(counters, DURATION_SEND,
			  instant_between(&exchange->start, &exchange->request_end));
	counters_duration(counters, DURATION_WAIT,
			  instant_between(&exchange->request_end, &exchange->response_start));
	counters_duration(counters, DURATION_RECEIVE,
			  instant_between(&exchange->response_start, &exchange->end));
	connection_view(connection, exchange, &view);
	if (exchange->rule && exchange->rule->captures & TRACE_HAR)
		journal_archive(connection->gateway->journal, &view, exchange);
	if (level < JOURNAL_EXCHANGES)
		return;
	journal_exchange(connection->gateway->journal, &view, exchange, level == JOURNAL_HEADERS);
}
