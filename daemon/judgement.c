#include "daemon/judgement.h"

#include <string.h>

static void count_shadows(struct connection *connection, const struct decision *decision)
{
	struct counters *counters = connection->gateway->counters;

	for (size_t i = 0; i < decision->shadow_count; i++)
		atomic_fetch_add_explicit(&counters->shadow_hits[decision->shadows[i]->slot], 1,
					  memory_order_relaxed);
}

void decision_count(struct connection *connection, const struct decision *decision)
{
	struct counters *counters = connection->gateway->counters;

	atomic_fetch_add_explicit(&counters->rule_hits[decision->rule->slot], 1,
				  memory_order_relaxed);
	count_shadows(connection, decision);
}

static bool is_noted(const struct connection *connection, const struct rule *shadow)
{
	for (size_t i = 0; i < connection->shadow_count; i++)
		if (connection->shadows[i] == shadow)
			return true;
	return false;
}

/* Those that did not show when the connection was decided. */
static void count_late_shadows(struct connection *connection, const struct decision *decision)
{
	struct decision late = { .shadow_count = 0 };

	for (size_t i = 0; i < decision->shadow_count; i++)
		if (!is_noted(connection, decision->shadows[i]))
			late.shadows[late.shadow_count++] = decision->shadows[i];
	count_shadows(connection, &late);
}

/* What has no name of its own is known by the one that the device asked for. */
static const char *sighted_name(const struct connection *connection)
{
	struct gateway *gateway = connection->gateway;

	if (!(connection->learned & MOMENT_HELLO) ||
	    !sightings_find(gateway->sightings, &connection->client.side.endpoint.local,
			    clock_steady() / 1000000, gateway->sighted))
		return NULL;
	return gateway->sighted;
}

/* Fills what is known of the connection now. */
static void gather(const struct connection *connection, struct facts *facts)
{
	const struct client *client = &connection->client;
	const struct endpoint *endpoint = &client->side.endpoint;
	const struct server *server = &connection->server;
	int64_t now = clock_now().wall;

	*facts = (struct facts){
		.learned = connection->learned,
		.client = endpoint->peer,
		.mac = client->mac_known ? client->mac : NULL,
		.port_name = client->port_name,
		.destination = endpoint->local,
		.transport = TRANSPORT_TCP,
		.time = gateway_time(connection->gateway, now),
		.wall_seconds = now / 1000000,
		.protocol = client->protocol,
		.alpn = { client->alpn, client->alpn_length },
		.tls_version = client->tls_version,
	};
	if (client->protocol == PROTOCOL_TLS)
		facts->host = facts->tls_name = client->host;
	else if (client->protocol == PROTOCOL_DNS)
		facts->host = client->question;
	else if (client->protocol != PROTOCOL_HTTP && client->protocol != PROTOCOL_HTTP2)
		facts->host = sighted_name(connection);
	facts->certificate_verdict = server->verdict;
	if (server->side.endpoint.tls_facts)
		facts->certificates = server->side.endpoint.tls_facts->certificates;
}

struct decision connection_judge(const struct connection *connection)
{
	struct facts facts;

	gather(connection, &facts);
	return policy_decide(regime_policy(connection->regime), &facts);
}

struct decision connection_judge_question(const struct connection *connection)
{
	struct facts facts;

	gather(connection, &facts);
	facts.protocol = PROTOCOL_DNS;
	facts.learned |= MOMENT_HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	return policy_decide(regime_policy(connection->regime), &facts);
}

/* As if it were known to speak neither TLS nor HTTP, but this. */
static const struct rule *rule_for(const struct connection *connection, enum protocol protocol)
{
	struct facts facts;
	struct decision decision;

	gather(connection, &facts);
	facts.protocol = protocol;
	facts.learned |= MOMENT_HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	decision = policy_decide(regime_policy(connection->regime), &facts);
	return decision.ask ? NULL : decision.rule;
}

bool connection_is_judged_alike(const struct connection *connection, unsigned candidates)
{
	const unsigned read = 1u << PROTOCOL_TLS | 1u << PROTOCOL_HTTP | 1u << PROTOCOL_HTTP2;
	const struct rule *rule = rule_for(connection, PROTOCOL_UNKNOWN);

	/* Of these more is judged than their name. */
	if (!rule || candidates & read)
		return false;
	for (unsigned protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
		if (candidates & 1u << protocol &&
		    rule_for(connection, (enum protocol)protocol) != rule)
			return false;
	return true;
}

static struct decision judge_anew(const struct connection *connection, const struct policy *policy,
				  const struct exchange *exchange)
{
	struct facts facts;

	gather(connection, &facts);
	/* Before the whole head is there, the guard has not said what host it is for. */
	if (exchange && exchange->request.host[0]) {
		facts.learned |= MOMENT_HELLO | MOMENT_CERTIFICATE;
		exchange_facts(exchange, &facts);
	} else if (connection->conversation && !facts.host) {
		facts.host = connection->client.host;
	}
	return policy_decide(policy, &facts);
}

static bool cuts(const struct decision *decision)
{
	return !decision->ask && decision->rule->verdict == VERDICT_BLOCK && decision->rule->cut;
}

bool connection_is_cut(const struct connection *connection, const struct policy *policy)
{
	const struct conversation *conversation = connection->conversation;
	const struct exchange *exchange =
		conversation ? conversation_exchange(conversation, NULL) : NULL;

	/* With HTTP/2 several run at once, and any of them may be what the rule is about. */
	do {
		struct decision decision = judge_anew(connection, policy, exchange);

		if (cuts(&decision))
			return true;
		exchange = exchange ? conversation_exchange(conversation, exchange) : NULL;
	} while (exchange);
	return false;
}

void connection_judge_shadows(struct connection *connection)
{
	struct facts facts;
	struct decision decision;

	gather(connection, &facts);
	facts.learned |= MOMENT_HELLO;
	/* Of plain HTTP the first request has been seen, and no more will be. */
	if (facts.protocol == PROTOCOL_HTTP) {
		facts.learned |= MOMENT_REQUEST;
		facts.host = connection->client.host;
	}
	decision = policy_decide(regime_policy(connection->regime), &facts);
	if (decision.ask)
		return;
	count_late_shadows(connection, &decision);
	connection->shadow_count = decision.shadow_count;
	memcpy(connection->shadows, decision.shadows, sizeof(connection->shadows));
}

struct decision exchange_judge(struct connection *connection, const struct exchange *exchange)
{
	struct facts facts;
	struct decision decision;

	gather(connection, &facts);
	facts.learned |= MOMENT_HELLO | MOMENT_CERTIFICATE;
	exchange_facts(exchange, &facts);
	decision = policy_decide(regime_policy(connection->regime), &facts);
	if (!decision.ask)
		decision_count(connection, &decision);
	return decision;
}
