#include <string.h>

#include "daemon/alpn.h"
#include "daemon/sparing.h"
#include "daemon/stage.h"
#include "daemon/tls/mirror.h"
#include "daemon/tls/origin.h"
#include "daemon/tls/terminator.h"
#include "daemon/trace.h"
#include "daemon/view.h"

static void leaf_ready(struct leaf_wait *wait, struct leaf *leaf, enum reason reason)
{
	struct connection *connection = wait->context;

	connection->leaf_wanted = false;
	connection->leaf = leaf;
	if (leaf)
		connection_turn(connection);
	else
		connection_divert(connection, connection_refuse_failure(connection, reason));
}

/* A route that leaves TLS away has no origin whose dates could bound the leaf's. */
static void order_dates(const struct connection *connection, struct leaf_order *order,
			uint8_t digest[static 32])
{
	const struct server *server = &connection->server;

	memset(digest, 0, 32);
	order->origin_digest = digest;
	order->not_before = 0;
	order->not_after = INT64_MAX;
	if (!server->side.tls)
		return;
	origin_digest(server->side.tls, digest);
	/* An origin that a rule tolerates may be out of date; the leaf has to be valid all the
	 * same. */
	if (server->verdict == REASON_NONE)
		origin_validity(server->side.tls, &order->not_before, &order->not_after);
}

/* The client shall see for itself what is wrong with the origin. */
static bool must_mirror(const struct connection *connection)
{
	return connection->server.side.tls && connection->server.verdict != REASON_NONE &&
	       connection->rule && connection->rule->on_invalid == ON_INVALID_MIRROR;
}

static enum reason mirror_origin(struct connection *connection)
{
	struct tls_context *context = connection->gateway->world.tls;

	if (!context->mirror)
		context->mirror = mirror_new();
	if (context->mirror)
		connection->leaf = mirror_leaf(context->mirror, connection->server.side.tls);
	connection->mirrored = connection->leaf;
	return connection->leaf ? REASON_NONE : REASON_NO_MEMORY;
}

static enum reason order_leaf(struct connection *connection)
{
	char literal[ADDRESS_TEXT];
	uint8_t digest[32];
	struct leaf_order order;
	enum reason reason = REASON_NONE;

	order_dates(connection, &order, digest);
	order.name = connection->client.host
			     ? connection->client.host
			     : address_print(&connection->client.side.endpoint.local, literal);
	connection->leaf_wait.ready = leaf_ready;
	connection->leaf_wait.context = connection;
	connection->leaf =
		issuer_order(connection->gateway->issuer, &order, &connection->leaf_wait, &reason);
	connection->leaf_wanted = !connection->leaf && reason == REASON_NONE;
	return reason;
}

static int begin_client_tls(struct connection *connection)
{
	struct client *client = &connection->client;
	const struct terminator terminator = {
		.leaf = connection->leaf,
		.name = client->host ? client->host : "",
		.generation = regime_policy(connection->regime)->generation,
		.alpn = alpn_answer(connection),
	};

	if (connection->rule)
		trace_follow(connection->gateway->journal, connection->rule->captures,
			     &client->side, PCAPNG_CLIENTS);
	connection_note(connection, EVENT_TLS_START_CLIENT, NULL);
	return side_secure(&client->side,
			   terminator_open(connection->gateway->world.tls, &terminator));
}

static enum stage client_tls_failed(struct connection *connection)
{
	const char *detail = NULL;
	enum reason reason = terminator_failure(connection->client.side.tls, &detail);

	endpoint_fail(&connection->client.side.endpoint, reason, detail);
	connection_note(connection, EVENT_TLS_FAILED_CLIENT, NULL);
	if (reason == REASON_LEAF_REFUSED || terminator_was_left(connection->client.side.tls))
		sparing_note_refusal(connection, detail);
	/* OpenSSL has sent the alert; a reset would overtake it. */
	side_shutdown(&connection->client.side);
	return connection_leave(connection, reason);
}

static enum stage client_is_secure(struct connection *connection)
{
	struct endpoint *endpoint = &connection->client.side.endpoint;

	endpoint->tls_setup = clock_now();
	terminator_facts(connection->client.side.tls, endpoint_tls(endpoint));
	leaf_release(connection->leaf);
	connection->leaf = NULL;
	connection_note(connection, EVENT_TLS_ESTABLISHED_CLIENT, NULL);
	sparing_note_success(connection);
	if (strcmp(endpoint->tls_facts->alpn, "http/1.1") == 0 ||
	    strcmp(endpoint->tls_facts->alpn, "h2") == 0)
		return EXCHANGING;
	/* No agreed protocol: the first bytes inside will tell. */
	connection->silent = false;
	return PEEKING;
}

enum stage securing_client_turn(struct connection *connection)
{
	enum reason reason;

	if (!connection->client.side.tls) {
		if (connection->leaf_wanted)
			return SECURING_CLIENT;
		if (connection->leaf)
			reason = REASON_NONE;
		else
			reason = must_mirror(connection) ? mirror_origin(connection)
							 : order_leaf(connection);
		if (reason != REASON_NONE)
			return connection_refuse_failure(connection, reason);
		if (!connection->leaf)
			return SECURING_CLIENT;
		if (begin_client_tls(connection) < 0)
			return connection_refuse_failure(connection, REASON_NO_MEMORY);
	}
	switch (side_handshake(&connection->client.side)) {
	case SIDE_WAIT:
		return SECURING_CLIENT;
	case SIDE_FAILED:
		return client_tls_failed(connection);
	default:
		return client_is_secure(connection);
	}
}

void securing_client_late(struct connection *connection)
{
	enum reason reason =
		connection->leaf_wanted ? REASON_SIGNER_UNAVAILABLE : REASON_TLS_CLIENT_TIMEOUT;

	endpoint_fail(&connection->client.side.endpoint, reason, NULL);
	connection_note(connection, EVENT_TLS_FAILED_CLIENT, NULL);
	connection_close(connection, reason);
}
