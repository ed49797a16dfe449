#include "daemon/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/exchanging.h"
#include "daemon/judgement.h"
#include "daemon/log.h"
#include "daemon/servers.h"
#include "daemon/tls/origin.h"
#include "daemon/tls/terminator.h"
#include "daemon/view.h"
#include "netfilter/original.h"

enum { REFUSED_CHUNKS = 16 }; /* thrown away in one turn */

static enum stage peek(struct connection *connection);
static enum stage decide(struct connection *connection);
static enum stage reach_server(struct connection *connection);
static enum stage secure_server(struct connection *connection);
static enum stage secure_client(struct connection *connection);
static enum stage carry(struct connection *connection);
static enum stage exchange(struct connection *connection);
static enum stage refuse(struct connection *connection);

/* A stage function returns the next stage; its own stage means: wait until a side wakes or the time is
 * over. Seconds of 0: the stage never waits, or its servers have deadlines of their own. */
static const struct {
	const char *name;
	enum stage (*turn)(struct connection *connection);
	unsigned seconds;
} stages[] = {
	[PEEKING] = { "peeking", peek, HELLO_SECONDS },
	[DECIDING] = { "deciding", decide, 0 },
	[CONNECTING] = { "connecting", reach_server, CONNECT_SECONDS },
	[SECURING_SERVER] = { "securing server", secure_server, TLS_SECONDS },
	[SECURING_CLIENT] = { "securing client", secure_client, TLS_SECONDS },
	[RELAYING] = { "relaying", carry, IDLE_SECONDS },
	[EXCHANGING] = { "exchanging", exchange, REQUEST_SECONDS },
	[REFUSING] = { "refusing", refuse, REFUSE_SECONDS },
	[ENDED] = { "ended", NULL, 0 },
};

const char *stage_word(enum stage stage)
{
	return stages[stage].name;
}

/* Birth */

static void late(evutil_socket_t fd, short what, void *argument);

static void client_woke(void *context)
{
	connection_turn(context);
}

static void server_woke(struct server *server)
{
	connection_turn(server->connection);
}

static void link_to_gateway(struct connection *connection, struct gateway *gateway)
{
	connection->next = gateway->connections;
	connection->link = &gateway->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	gateway->connections = connection;
	gateway->live++;
	atomic_store_explicit(&gateway->counters->live, gateway->live, memory_order_relaxed);
}

static void unlink_from_gateway(struct connection *connection)
{
	struct gateway *gateway = connection->gateway;

	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	gateway->live--;
	atomic_store_explicit(&gateway->counters->live, gateway->live, memory_order_relaxed);
}

static void identify(struct connection *connection, const struct arrival *arrival)
{
	struct client *client = &connection->client;

	client->port_name = arrival->port_name;
	client->mac_known = neighbours_find(connection->gateway->neighbours, arrival->port_index,
					    &arrival->peer, client->mac);
	client->device = policy_device(regime_policy(connection->regime), &arrival->peer,
				       client->mac_known ? client->mac : NULL);
}

static enum reason check_destination(const struct connection *connection, bool found)
{
	if (!found)
		return REASON_NO_DESTINATION;
	if (gateway_is_own_listener(connection->gateway,
				    &connection->client.side.endpoint.local))
		return REASON_LOOP;
	return REASON_NONE;
}

void connection_new(struct gateway *gateway, const struct arrival *arrival)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct address destination = { .family = AF_UNSPEC };
	bool found = original_find(arrival->fd, &destination) == 0;
	enum reason reason;

	if (!connection) {
		close(arrival->fd);
		return;
	}
	connection->gateway = gateway;
	connection->id = gateway_id(gateway);
	connection->regime = regime_hold(gateway->regime);
	connection->alarm = INT64_MAX;
	client_begin(&connection->client, arrival->fd, &arrival->peer, &destination);
	connection->client.side.endpoint.id = connection->id;
	server_begin(&connection->server, &gateway->world, connection, server_woke);
	connection->servers = &connection->server;
	connection->learned = MOMENT_ADDRESSES;
	connection->stage = DECIDING;
	evtimer_assign(&connection->deadline, gateway->base, late, connection);
	link_to_gateway(connection, gateway);
	identify(connection, arrival);
	connection_note(connection, EVENT_CLIENT_CONNECTED, NULL);
	reason = check_destination(connection, found);
	if (reason == REASON_NONE && side_watch(&connection->client.side, gateway->base,
						client_woke, connection) < 0)
		reason = REASON_NO_MEMORY;
	if (reason != REASON_NONE)
		connection_close(connection, reason);
	else
		connection_turn(connection);
}

/* Ending */

static bool ends_in_order(const struct connection *connection)
{
	switch (connection->reason) {
	case REASON_FINISHED:
	case REASON_IDLE:
	case REASON_DRAINED:
		return true;
	default:
		/* After a refusal in words the words must arrive. */
		return connection->client.side.write_ended;
	}
}

static void free_connection(struct connection *connection)
{
	struct gateway *gateway = connection->gateway;

	if (connection->waits_again) {
		struct connection **link = &gateway->again;

		while (*link != connection)
			link = &(*link)->again;
		*link = connection->again;
	}
	unlink_from_gateway(connection);
	client_end(&connection->client);
	servers_end(connection);
	regime_release(connection->regime);
	free(connection);
}

static void end(struct connection *connection)
{
	bool orderly = ends_in_order(connection);

	/* Nothing that is told on the way down can begin another end. */
	connection->turning = true;
	evtimer_del(&connection->deadline);
	if (connection->leaf_wanted)
		issuer_cancel(&connection->leaf_wait);
	leaf_release(connection->leaf);
	exchanging_end(connection);
	relay_end(&connection->relay);
	if (orderly)
		side_close(&connection->client.side);
	else
		side_reset(&connection->client.side);
	connection_note(connection, EVENT_CLIENT_DISCONNECTED, NULL);
	servers_close(connection, orderly);
	connection_report(connection);
	free_connection(connection);
}

void connection_close(struct connection *connection, enum reason reason)
{
	if (connection->reason == REASON_NONE)
		connection->reason = reason;
	connection->stage = ENDED;
	if (!connection->turning)
		end(connection);
}

static enum stage leave(struct connection *connection, enum reason reason)
{
	if (connection->reason == REASON_NONE)
		connection->reason = reason;
	return ENDED;
}

/* The loop */

static void set_alarm(struct connection *connection, int64_t when)
{
	int64_t wait = when - clock_steady();
	struct timeval time;

	if (wait < 1000)
		wait = 1000;
	time = (struct timeval){ .tv_sec = wait / 1000000, .tv_usec = wait % 1000000 };
	connection->alarm = when;
	evtimer_add(&connection->deadline, &time);
}

static void enter(struct connection *connection, enum stage stage)
{
	connection->stage = stage;
	connection->since = clock_steady();
	if (stage == PEEKING && connection->silent)
		set_alarm(connection, clock_steady() + KEEPALIVE_SECONDS * 1000000LL);
	else if (stage == PEEKING)
		set_alarm(connection, clock_steady() + SILENCE_MILLISECONDS * 1000);
	else if (stages[stage].seconds)
		set_alarm(connection, clock_steady() + stages[stage].seconds * 1000000LL);
}

void connection_turn(struct connection *connection)
{
	enum stage next;

	if (connection->turning)
		return;
	connection->turning = true;
	connection->active = clock_steady();
	while (connection->stage != ENDED) {
		next = stages[connection->stage].turn(connection);
		/* Whoever called connection_close() meanwhile has the last word. */
		if (connection->stage == ENDED || next == connection->stage)
			break;
		enter(connection, next);
	}
	connection->turning = false;
	if (connection->stage == ENDED)
		end(connection);
}

/* Takes another way than the stage's own function, from a timer or an answer. */
static void divert(struct connection *connection, enum stage stage)
{
	enter(connection, stage);
	connection_turn(connection);
}

/* Refusing: the client is told no in the way its protocol understands. */

static enum stage refuse_with(struct connection *connection, enum reason reason,
			      enum refusal refusal)
{
	if (connection->reason == REASON_NONE)
		connection->reason = reason;
	connection->refusal = refusal;
	if (refusal == REFUSE_BY_RESET)
		return ENDED;
	if (refusal == REFUSE_BY_ALERT)
		client_alert(&connection->client, reason == REASON_BLOCKED ? ALERT_ACCESS_DENIED
									   : ALERT_HANDSHAKE_FAILURE);
	return REFUSING;
}

/* A client whose hello is still unanswered can be told by an alert; any other by a reset. */
static enum stage refuse_failure(struct connection *connection, enum reason reason)
{
	bool unanswered = connection->client.protocol == PROTOCOL_TLS && connection->opened &&
			  !connection->client.side.tls;

	return refuse_with(connection, reason, unanswered ? REFUSE_BY_ALERT : REFUSE_BY_RESET);
}

static enum stage refuse(struct connection *connection)
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

/* Peeking: what does the client say first, and if nothing, does the server? */

static enum stage learned_hello(struct connection *connection)
{
	if (connection->client.side.tls) {
		/* Not HTTP inside TLS: nothing more can be learned. */
		if (connection->client.inner == PROTOCOL_HTTP)
			return EXCHANGING;
		connection->learned |= MOMENT_REQUEST | MOMENT_RESPONSE;
		return DECIDING;
	}
	connection->learned |= MOMENT_HELLO;
	if (connection->client.protocol != PROTOCOL_TLS)
		connection->learned |= MOMENT_CERTIFICATE;
	if (connection->client.protocol != PROTOCOL_TLS &&
	    connection->client.protocol != PROTOCOL_HTTP)
		connection->learned |= MOMENT_REQUEST | MOMENT_RESPONSE;
	if (connection->client.protocol == PROTOCOL_TLS)
		connection_note(connection, EVENT_TLS_CLIENTHELLO, NULL);
	return DECIDING;
}

/* Only bytes of the server that came before any of the client's decide here: a client that is merely slow
 * cannot slip past the rules for names. */
static enum stage peek_server(struct connection *connection)
{
	struct peek_room *room = connection->gateway->room;
	enum protocol protocol;
	ssize_t got = side_peek(&connection->server.side, room->stream, sizeof(room->stream));

	if (got < 0 && errno == EAGAIN)
		return PEEKING;
	if (got <= 0)
		return leave(connection, got == 0 ? REASON_FINISHED : REASON_SERVER_RESET);
	protocol_of_server(room->stream, (size_t)got, true, &protocol);
	if (connection->client.side.tls)
		connection->client.inner = protocol;
	else
		connection->client.protocol = protocol;
	return learned_hello(connection);
}

static enum stage peek(struct connection *connection)
{
	enum reason reason;

	switch (client_peek(&connection->client, connection->gateway->room, &reason)) {
	case CLIENT_SPOKE:
		return learned_hello(connection);
	case CLIENT_SILENT:
		return connection->silent ? peek_server(connection) : PEEKING;
	case CLIENT_MORE:
		/* It has begun to speak after all. */
		if (connection->silent)
			set_alarm(connection, clock_steady() + HELLO_SECONDS * 1000000LL);
		connection->silent = false;
		return PEEKING;
	case CLIENT_LEFT:
		return leave(connection, REASON_FINISHED);
	default:
		if (reason == REASON_CLIENT_RESET || connection->client.side.tls)
			return leave(connection, reason);
		return refuse_with(connection, reason, REFUSE_BY_ALERT);
	}
}

/* Nothing was said for a while: connect, and see who speaks first. */
static enum stage listen_to_server(struct connection *connection)
{
	/* A page was wanted for whatever it would have asked; no server is dialled for that. */
	if (connection->rule && connection->rule->verdict == VERDICT_BLOCK)
		return refuse_with(connection, REASON_BLOCKED, REFUSE_BY_RESET);
	connection->silent = true;
	if (connection->server.stage == SERVER_READY)
		return PEEKING;
	connection_target(connection, connection->rule, &connection->target);
	return CONNECTING;
}

/* Deciding: the judge says what to do, or what it must know first. */

/* What comes next on the way to carrying bytes, as far as it is not done yet. */
static enum stage proceed(struct connection *connection)
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
	if (connection->opened && !connection->rule && !(connection->learned & MOMENT_CERTIFICATE)) {
		connection->learned |= MOMENT_CERTIFICATE;
		return DECIDING;
	}
	if (connection->opened && !connection->client.side.endpoint.tls_setup.wall)
		return SECURING_CLIENT;
	return RELAYING;
}

/* An origin whose certificate failed was dialled only so that the judge could see it. */
static enum reason intolerable(const struct connection *connection, const struct rule *rule)
{
	const struct server *server = &connection->server;

	if (!server_is_for(server, &connection->target) || server->stage != SERVER_READY)
		return REASON_NONE;
	if (rule && rule->on_invalid == ON_INVALID_ALLOW)
		return REASON_NONE;
	return server->verdict;
}

static enum stage open_tls(struct connection *connection, const struct rule *rule)
{
	enum reason reason;

	if (!connection->gateway->issuer)
		return refuse_with(connection, REASON_SIGNER_UNAVAILABLE, REFUSE_BY_ALERT);
	connection->opened = true;
	connection_target(connection, rule, &connection->target);
	/* Without a rule and a look at the certificate yet, the judge comes first. */
	if (!rule && !(connection->learned & MOMENT_CERTIFICATE))
		return proceed(connection);
	reason = intolerable(connection, rule);
	if (reason == REASON_NONE)
		return proceed(connection);
	endpoint_fail(&connection->server.side.endpoint, reason, NULL);
	return refuse_failure(connection, reason);
}

/* No rule holds yet: the certificate is looked at even when it fails, so that the judge can see it. */
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
	if (connection->client.protocol == PROTOCOL_HTTP)
		return EXCHANGING;
	return look_inside(connection);
}

static enum stage block(struct connection *connection)
{
	bool http = connection->client.protocol == PROTOCOL_HTTP;
	bool tls = connection->client.protocol == PROTOCOL_TLS && !connection->client.side.tls;

	switch (connection->rule->block) {
	case BLOCK_PAGE:
		if (!(connection->learned & MOMENT_HELLO))
			return PEEKING;
		if (http)
			return EXCHANGING;
		return refuse_with(connection, REASON_BLOCKED,
				   tls ? REFUSE_BY_ALERT : REFUSE_BY_RESET);
	case BLOCK_DROP:
		return refuse_with(connection, REASON_BLOCKED, REFUSE_BY_SILENCE);
	default:
		return refuse_with(connection, REASON_BLOCKED, REFUSE_BY_RESET);
	}
}

static enum stage pass(struct connection *connection)
{
	/* The certificate was looked at and found fine: the client gets its TLS untouched, on a connection of
	 * its own. */
	if (!connection->client.side.tls)
		connection->opened = false;
	connection_target(connection, connection->rule, &connection->target);
	return proceed(connection);
}

static enum stage inspect(struct connection *connection)
{
	if (!(connection->learned & MOMENT_HELLO))
		return PEEKING;
	if (connection->client.protocol == PROTOCOL_HTTP)
		return EXCHANGING;
	if (connection->client.protocol != PROTOCOL_TLS)
		return pass(connection);
	return open_tls(connection, connection->rule);
}

static enum stage route(struct connection *connection)
{
	const struct upstream *upstream = connection->rule->upstream;

	if (!(connection->learned & MOMENT_HELLO))
		return PEEKING;
	/* Its Host may have to change, or its requests may differ. */
	if (connection->client.protocol == PROTOCOL_HTTP)
		return EXCHANGING;
	if (connection->client.protocol == PROTOCOL_TLS && upstream->tls != UPSTREAM_TLS_AS_CLIENT)
		return inspect(connection);
	return pass(connection);
}

static void adopt(struct connection *connection, const struct decision *decision)
{
	connection->rule = decision->rule;
	connection->shadow_count = decision->shadow_count;
	memcpy(connection->shadows, decision->shadows, sizeof(connection->shadows));
}

static enum stage obey(struct connection *connection)
{
	switch (connection->rule->verdict) {
	case VERDICT_BLOCK:
		return block(connection);
	case VERDICT_INSPECT:
		return inspect(connection);
	case VERDICT_ROUTE:
		return route(connection);
	default:
		return pass(connection);
	}
}

static enum stage decide(struct connection *connection)
{
	struct decision decision = connection_judge(connection);
	enum stage next;

	connection->rule = NULL;
	if (decision.ask)
		return learn(connection, &decision);
	adopt(connection, &decision);
	next = obey(connection);
	/* Where more has to be learned, or every request is judged, the hit is counted there. */
	if (next != PEEKING && next != EXCHANGING && connection->counted != connection->rule) {
		decision_count(connection, &decision);
		connection->counted = connection->rule;
	}
	return next;
}

/* Connecting and securing the server */

static void start_server(struct connection *connection)
{
	struct server *server = &connection->server;

	if (server->side.fd >= 0) {
		server_event(server, EVENT_SERVER_DISCONNECTED);
		server_close(server);
	}
	server_start(server, &connection->target, gateway_id(connection->gateway));
	server_event(server, EVENT_SERVER_CONNECT);
}

static enum stage reach_server(struct connection *connection)
{
	struct server *server = &connection->server;
	enum server_stage before;

	/* The resolver's answer came between two turns. */
	if (server->stage == SERVER_FAILED && server->side.endpoint.error) {
		server_note(server, SERVER_RESOLVING);
		return refuse_failure(connection, server->side.endpoint.error);
	}
	if (!server_is_for(server, &connection->target))
		start_server(connection);
	before = server->stage;
	switch (server_advance(server)) {
	case SIDE_WAIT:
		return CONNECTING;
	case SIDE_FAILED:
		server_note(server, before);
		return refuse_failure(connection, server->side.endpoint.error);
	default:
		server_note(server, before);
		return proceed(connection);
	}
}

static enum stage secure_server(struct connection *connection)
{
	struct server *server = &connection->server;

	switch (server_advance(server)) {
	case SIDE_WAIT:
		return SECURING_SERVER;
	case SIDE_FAILED:
		server_note(server, SERVER_SECURING);
		return refuse_failure(connection, server->side.endpoint.error);
	default:
		server_note(server, SERVER_SECURING);
		return proceed(connection);
	}
}

/* Securing the client with a leaf of our authority */

static void leaf_ready(struct leaf_wait *wait, struct leaf *leaf, enum reason reason)
{
	struct connection *connection = wait->context;

	connection->leaf_wanted = false;
	connection->leaf = leaf;
	if (leaf)
		connection_turn(connection);
	else
		divert(connection, refuse_failure(connection, reason));
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
	/* An origin that a rule tolerates may be out of date; the leaf has to be valid all the same. */
	if (server->verdict == REASON_NONE)
		origin_validity(server->side.tls, &order->not_before, &order->not_after);
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
	connection->leaf = issuer_order(connection->gateway->issuer, &order,
					&connection->leaf_wait, &reason);
	connection->leaf_wanted = !connection->leaf && reason == REASON_NONE;
	return reason;
}

static int begin_client_tls(struct connection *connection)
{
	struct client *client = &connection->client;
	const struct tls_facts *origin = connection->server.side.endpoint.tls_facts;
	const struct terminator terminator = {
		.leaf = connection->leaf,
		.name = client->host ? client->host : "",
		.generation = regime_policy(connection->regime)->generation,
		.alpn = connection->server.side.tls && origin ? origin->alpn : "",
	};

	connection_note(connection, EVENT_TLS_START_CLIENT, NULL);
	client->side.tls = terminator_open(connection->gateway->world.tls, &terminator,
					   client->side.fd);
	return client->side.tls ? 0 : -1;
}

static enum stage client_tls_failed(struct connection *connection)
{
	const char *detail = NULL;
	enum reason reason = terminator_failure(connection->client.side.tls, &detail);

	endpoint_fail(&connection->client.side.endpoint, reason, detail);
	connection_note(connection, EVENT_TLS_FAILED_CLIENT, NULL);
	/* OpenSSL has sent the alert; a reset would overtake it. */
	side_shutdown(&connection->client.side);
	return leave(connection, reason);
}

static enum stage client_is_secure(struct connection *connection)
{
	struct endpoint *endpoint = &connection->client.side.endpoint;

	endpoint->tls_setup = clock_now();
	terminator_facts(connection->client.side.tls, endpoint_tls(endpoint));
	leaf_release(connection->leaf);
	connection->leaf = NULL;
	connection_note(connection, EVENT_TLS_ESTABLISHED_CLIENT, NULL);
	if (strcmp(endpoint->tls_facts->alpn, "http/1.1") == 0)
		return EXCHANGING;
	/* No agreed protocol: the first bytes inside will tell. */
	connection->silent = false;
	return PEEKING;
}

static enum stage secure_client(struct connection *connection)
{
	enum reason reason;

	if (!connection->client.side.tls) {
		if (connection->leaf_wanted)
			return SECURING_CLIENT;
		reason = connection->leaf ? REASON_NONE : order_leaf(connection);
		if (reason != REASON_NONE)
			return refuse_failure(connection, reason);
		if (!connection->leaf)
			return SECURING_CLIENT;
		if (begin_client_tls(connection) < 0)
			return refuse_failure(connection, REASON_NO_MEMORY);
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

/* Relaying bytes */

static enum stage relay_failed(struct connection *connection, enum reason reason,
			       struct side *side)
{
	if (errno == EPROTO && reason == REASON_SERVER_RESET)
		reason = REASON_TRUNCATED;
	endpoint_fail(&side->endpoint, reason, strerror(errno));
	return leave(connection, side->endpoint.error);
}

/* What was decided by addresses alone is still named in the journal, as far as one look at the first bytes
 * tells; nothing waits for it and nothing depends on it. */
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
	if (seen != CLIENT_SPOKE)
		return;
	if (connection->client.protocol == PROTOCOL_TLS)
		connection_note(connection, EVENT_TLS_CLIENTHELLO, NULL);
	connection_judge_shadows(connection);
}

static enum stage carry(struct connection *connection)
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
			set_alarm(connection, connection->active + HALF_CLOSED_SECONDS * 1000000LL);
		return RELAYING;
	case RELAY_AGAIN:
		gateway_again(gateway, connection);
		return RELAYING;
	case RELAY_FINISHED:
		return leave(connection, REASON_FINISHED);
	case RELAY_CLIENT_FAILED:
		return relay_failed(connection, REASON_CLIENT_RESET, relay->up.from);
	default:
		return relay_failed(connection, REASON_SERVER_RESET, relay->down.from);
	}
}

/* Exchanging HTTP: requests are judged one by one (exchanging.c) */

static enum stage exchange(struct connection *connection)
{
	int64_t due;

	if (!connection->conversation && exchanging_begin(connection) < 0)
		return leave(connection, REASON_NO_MEMORY);
	servers_turn(connection);
	if (connection->stage != ENDED)
		conversation_turn(connection->conversation);
	if (connection->stage == ENDED)
		return ENDED;
	/* An upgrade has handed both sides to the relay. */
	if (connection->relay.scratch)
		return RELAYING;
	due = exchanging_deadline(connection);
	if (!due)
		gateway_again(connection->gateway, connection);
	else if (due < connection->alarm)
		set_alarm(connection, due);
	return EXCHANGING;
}

/* Time */

static void idle(struct connection *connection, int64_t allowed)
{
	int64_t until = connection->active + allowed * 1000000LL;

	if (until > clock_steady())
		set_alarm(connection, until);
	else
		connection_close(connection, REASON_IDLE);
}

static void late_peeking(struct connection *connection)
{
	char byte;

	if (connection->silent ||
	    side_peek(&connection->client.side, &byte, 1) > 0) {
		int64_t until = connection->since + HELLO_SECONDS * 1000000LL;

		if (!connection->silent && until > clock_steady()) {
			set_alarm(connection, until);
			return;
		}
		connection_close(connection, connection->silent ? REASON_IDLE : REASON_HELLO_TIMEOUT);
		return;
	}
	divert(connection, listen_to_server(connection));
}

static void late_server(struct connection *connection)
{
	struct server *server = &connection->server;
	enum server_stage before = server->stage;

	server_expire(server);
	server_note(server, before);
	divert(connection, refuse_failure(connection, connection->server.side.endpoint.error));
}

static void late_client(struct connection *connection)
{
	enum reason reason = connection->leaf_wanted ? REASON_SIGNER_UNAVAILABLE
						     : REASON_TLS_CLIENT_TIMEOUT;

	endpoint_fail(&connection->client.side.endpoint, reason, NULL);
	connection_note(connection, EVENT_TLS_FAILED_CLIENT, NULL);
	connection_close(connection, reason);
}

static void late_exchanging(struct connection *connection)
{
	servers_expire(connection);
	if (connection->stage == EXCHANGING)
		exchanging_expire(connection);
	connection->alarm = INT64_MAX;
	connection_turn(connection);
}

static void late(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;

	(void)fd;
	(void)what;
	switch (connection->stage) {
	case PEEKING:
		late_peeking(connection);
		break;
	case CONNECTING:
	case SECURING_SERVER:
		late_server(connection);
		break;
	case SECURING_CLIENT:
		late_client(connection);
		break;
	case RELAYING:
		idle(connection, relay_half_closed(&connection->relay) ? HALF_CLOSED_SECONDS
								       : IDLE_SECONDS);
		break;
	case EXCHANGING:
		late_exchanging(connection);
		break;
	default:
		connection_close(connection, REASON_BLOCKED);
	}
}

/* From outside */

bool connection_is_cut(const struct connection *connection, const struct policy *policy)
{
	struct facts facts;
	struct decision decision;

	connection_facts(connection, &facts);
	decision = policy_decide(policy, &facts);
	return !decision.ask && decision.rule->verdict == VERDICT_BLOCK && decision.rule->cut;
}

void connection_drain(struct connection *connection)
{
	if (connection->stage == EXCHANGING && connection->conversation) {
		connection->turning = true;
		conversation_drain(connection->conversation);
		connection->turning = false;
		if (connection->stage == ENDED)
			end(connection);
		else
			connection_turn(connection);
	} else if (connection->stage != RELAYING) {
		connection_close(connection, REASON_DRAINED);
	}
}
