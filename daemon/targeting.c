#include "daemon/targeting.h"

#include "daemon/alpn.h"

static bool wants_tls(const struct connection *connection, const struct upstream *upstream)
{
	if (upstream && upstream->tls == UPSTREAM_TLS_ON)
		return true;
	if (upstream && upstream->tls == UPSTREAM_TLS_OFF)
		return false;
	return connection->opened;
}

/* A proxy is told the name, where one is known: TLS has proven none yet, but it is what was judged. */
static const char *name_to_pass_on(const struct connection *connection,
				   const struct upstream *upstream)
{
	if (!upstream || upstream->proxy.through == THROUGH_NOTHING || upstream->server_count)
		return NULL;
	return connection->client.host;
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
		.destination = connection->client.side.endpoint.local,
		.destination_name = name_to_pass_on(connection, upstream),
		.tls = wants_tls(connection, upstream),
		.generation = policy->generation,
		.captures = rule ? rule->captures : 0,
		.limits = &policy->limits,
		.keep_source = connection->gateway->transparent && policy->source == SOURCE_KEEP,
		.source = connection->client.side.endpoint.peer,
	};
	if (upstream && upstream->proxy.through == THROUGH_HTTPS)
		target->proxy_trust = regime_trust(connection->regime, NULL);
	alpn_offer(connection, upstream, target);
	if (!target->tls)
		return;
	if (connection->client.protocol == PROTOCOL_TLS)
		target->name = connection->client.host;
	target->trust = regime_trust(connection->regime, upstream);
	target->tolerant = may_fail(connection, rule, upstream);
	target->wants_status = rule && rule->wants_status;
	target->identity = rule ? rule->identity : NULL;
	target->anonymous = rule && rule->client_certificate == CLIENT_CERTIFICATE_NONE;
}
