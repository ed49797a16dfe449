#include "daemon/alpn.h"

#include <string.h>

#define H2    2, 'h', '2'
#define HTTP1 8, 'h', 't', 't', 'p', '/', '1', '.', '1'

static const uint8_t h2_alone[] = { H2 };
static const uint8_t http1_alone[] = { HTTP1 };
static const uint8_t h2_first[] = { H2, HTTP1 };
static const uint8_t http1_first[] = { HTTP1, H2 };

static bool offers(const struct client *client, const char *protocol)
{
	const struct hello offered = { .alpn = { client->alpn, client->alpn_length } };

	return client->alpn_length && hello_offers(&offered, protocol);
}

static void offer(struct target *target, const uint8_t *alpn, size_t length)
{
	target->alpn = alpn;
	target->alpn_length = length;
}

static bool prefers_h2(const struct client *client)
{
	return client->alpn_length >= sizeof(h2_alone) &&
	       memcmp(client->alpn, h2_alone, sizeof(h2_alone)) == 0;
}

/* The client's own offer, in its order. */
static void mirror(const struct client *client, struct target *target)
{
	bool h2 = offers(client, "h2"), http1 = offers(client, "http/1.1");

	if (h2 && http1 && prefers_h2(client))
		offer(target, h2_first, sizeof(h2_first));
	else if (h2 && http1)
		offer(target, http1_first, sizeof(http1_first));
	else if (h2)
		offer(target, h2_alone, sizeof(h2_alone));
	else if (http1)
		offer(target, http1_alone, sizeof(http1_alone));
}

/* What the client speaks is known: best the same, so that nothing is translated. */
static void match(const struct connection *connection, bool elsewhere, struct target *target)
{
	if (alpn_client_speaks_h2(connection))
		offer(target, h2_first, sizeof(h2_first));
	else if (elsewhere)
		offer(target, http1_first, sizeof(http1_first));
	else
		offer(target, http1_alone, sizeof(http1_alone));
}

void alpn_offer(const struct connection *connection, const struct upstream *upstream,
		struct target *target)
{
	const struct client *client = &connection->client;

	target->plain_h2 = !target->tls && client->protocol == PROTOCOL_HTTP2;
	if (!target->tls)
		return;
	if (connection->conversation)
		match(connection, upstream != NULL, target);
	else if (client->protocol == PROTOCOL_TLS)
		mirror(client, target);
	else if (client->protocol == PROTOCOL_HTTP || client->protocol == PROTOCOL_HTTP2)
		match(connection, true, target);
}

void alpn_offer_http1(struct target *target)
{
	target->plain_h2 = false;
	if (target->tls)
		offer(target, http1_alone, sizeof(http1_alone));
}

const char *alpn_answer(const struct connection *connection)
{
	const struct server *server = &connection->server;
	const struct tls_facts *facts = server->side.endpoint.tls_facts;

	if (server->side.tls)
		return facts ? facts->alpn : "";
	/* A route without TLS has nothing to choose; HTTP/1 needs no translation. */
	if (offers(&connection->client, "http/1.1"))
		return "http/1.1";
	return offers(&connection->client, "h2") ? "h2" : "";
}

bool alpn_client_speaks_h2(const struct connection *connection)
{
	const struct client *client = &connection->client;
	const struct tls_facts *facts = client->side.endpoint.tls_facts;

	if (!client->side.tls)
		return client->protocol == PROTOCOL_HTTP2;
	if (facts && facts->alpn[0])
		return strcmp(facts->alpn, "h2") == 0;
	return client->inner == PROTOCOL_HTTP2;
}

bool alpn_server_speaks_h2(const struct server *server)
{
	const struct tls_facts *facts = server->side.endpoint.tls_facts;

	if (!server->side.tls)
		return server->target.plain_h2;
	return facts && strcmp(facts->alpn, "h2") == 0;
}

bool alpn_server_may_speak_h2(const struct server *server)
{
	const struct hello offered = {
		.alpn = { server->target.alpn, server->target.alpn_length },
	};

	if (server->stage == SERVER_READY)
		return alpn_server_speaks_h2(server);
	return server->target.plain_h2 ||
	       (server->target.alpn_length && hello_offers(&offered, "h2"));
}
