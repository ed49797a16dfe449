#include "daemon/connection.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/exchanging.h"
#include "daemon/inquiring.h"
#include "daemon/judgement.h"
#include "daemon/servers.h"
#include "daemon/stage.h"
#include "daemon/view.h"
#include "netfilter/original.h"

/* The stages in the order of a connection's life, with the limit of their waiting. */
static const struct {
	enum stage (*turn)(struct connection *connection);
	void (*late)(struct connection *connection);
	enum limit limit; /* LIMIT_COUNT: the stage never waits, or has seconds of its own */
	unsigned seconds;
} stages[] = {
	[PEEKING] = { peeking_turn, peeking_late, LIMIT_HELLO, 0 },
	[DECIDING] = { deciding_turn, NULL, LIMIT_COUNT, 0 },
	[CONNECTING] = { connecting_turn, connecting_late, LIMIT_CONNECT, 0 },
	[SECURING_SERVER] = { securing_server_turn, connecting_late, LIMIT_TLS, 0 },
	[SECURING_CLIENT] = { securing_client_turn, securing_client_late, LIMIT_TLS, 0 },
	[RELAYING] = { relaying_turn, relaying_late, LIMIT_IDLE, 0 },
	[INQUIRING] = { inquiring_turn, inquiring_late, LIMIT_IDLE, 0 },
	[EXCHANGING] = { exchanging_turn, exchanging_late, LIMIT_REQUEST, 0 },
	[REFUSING] = { refusing_turn, refusing_late, LIMIT_COUNT, REFUSE_SECONDS },
	[ENDED] = { NULL, NULL, LIMIT_COUNT, 0 },
};

/* Birth */

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

/* The kernel spreads a device's connections over the workers. */
static uint64_t most_of_device(const struct connection *connection)
{
	const struct gateway *gateway = connection->gateway;
	uint64_t most = (uint64_t)connection_limit(connection, LIMIT_DEVICE_CONNECTIONS);

	return (most + gateway->workers - 1) / gateway->workers;
}

static bool join_budget(struct connection *connection)
{
	const struct client *client = &connection->client;

	connection->share =
		budget_join(connection->gateway->budget, &client->side.endpoint.peer,
			    client->mac_known ? client->mac : NULL, most_of_device(connection));
	return connection->share != NULL;
}

static enum reason check_destination(const struct connection *connection, bool found)
{
	if (!found)
		return REASON_NO_DESTINATION;
	if (gateway_is_own_listener(connection->gateway, &connection->client.side.endpoint.local))
		return REASON_LOOP;
	return REASON_NONE;
}

static void late(evutil_socket_t fd, short what, void *argument)
{
	struct connection *connection = argument;

	(void)fd;
	(void)what;
	if (stages[connection->stage].late)
		stages[connection->stage].late(connection);
}

void connection_new(struct gateway *gateway, const struct arrival *arrival)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct address destination = { .family = AF_UNSPEC };
	bool found = (gateway->transparent ? original_local : original_find)(arrival->fd,
									     &destination) == 0;
	enum reason reason;

	if (!connection) {
		close(arrival->fd);
		return;
	}
	connection->gateway = gateway;
	connection->id = ids_next(&gateway->ids);
	connection->regime = regime_hold(gateway->regime);
	connection->alarm = INT64_MAX;
	connection->allowance.most = (size_t)connection_limit(connection, LIMIT_CONNECTION_MEMORY);
	client_begin(&connection->client, arrival->fd, &arrival->peer, &destination,
		     &connection->allowance);
	connection->client.side.endpoint.id = connection->id;
	server_begin(&connection->server, &gateway->world, connection, &connection->allowance,
		     server_woke);
	connection->servers = &connection->server;
	connection->learned = MOMENT_ADDRESSES;
	connection->stage = DECIDING;
	evtimer_assign(&connection->deadline, gateway->base, late, connection);
	link_to_gateway(connection, gateway);
	identify(connection, arrival);
	connection_note(connection, EVENT_CLIENT_CONNECTED, NULL);
	reason = join_budget(connection) ? check_destination(connection, found)
					 : REASON_DEVICE_CONNECTIONS;
	if (reason == REASON_NONE &&
	    side_watch(&connection->client.side, gateway->base, client_woke, connection) < 0)
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
	case REASON_TRUNCATED:
		/* What came before still arrives; that close_notify is missing tells the client. */
		if (connection->client.side.tls)
			return true;
		/* fall through */
	default:
		/* After a refusal in words the words must arrive. Where bytes are relayed an end of
		 * one direction says nothing about how the other ended. */
		return connection->client.side.write_ended && !connection->relay.scratch;
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
	budget_leave(connection->share);
	client_end(&connection->client);
	servers_end(connection);
	regime_release(connection->regime);
	free(connection);
}

static void end(struct connection *connection)
{
	bool orderly = ends_in_order(connection);

	if (connection->reason == REASON_TRUNCATED)
		connection->client.side.write_ended = true;
	/* Nothing that is told on the way down can begin another end. */
	connection->turning = true;
	evtimer_del(&connection->deadline);
	if (connection->leaf_wanted)
		issuer_cancel(&connection->leaf_wait);
	leaf_release(connection->leaf);
	exchanging_end(connection);
	inquiry_free(connection);
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

/* The loop */

/* 0: the stage never waits. */
static int64_t patience(const struct connection *connection, enum stage stage)
{
	if (stages[stage].limit == LIMIT_COUNT)
		return stages[stage].seconds * 1000000LL;
	return connection_limit(connection, stages[stage].limit);
}

static void enter(struct connection *connection, enum stage stage)
{
	connection->stage = stage;
	connection->since = clock_steady();
	if (stage == PEEKING && connection->silent)
		connection_set_alarm(connection,
				     clock_steady() +
					     connection_limit(connection, LIMIT_KEEP_ALIVE));
	else if (stage == PEEKING)
		connection_set_alarm(connection, clock_steady() + SILENCE_MILLISECONDS * 1000);
	else if (patience(connection, stage))
		connection_set_alarm(connection, clock_steady() + patience(connection, stage));
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
void connection_divert(struct connection *connection, enum stage stage)
{
	enter(connection, stage);
	connection_turn(connection);
}

/* From outside */

static void tell_conversation(struct connection *connection,
			      void (*tell)(struct conversation *conversation))
{
	connection->turning = true;
	tell(connection->conversation);
	connection->turning = false;
	if (connection->stage == ENDED)
		end(connection);
	else
		connection_turn(connection);
}

void connection_retire(struct connection *connection)
{
	if (connection->stage == EXCHANGING && connection->conversation)
		tell_conversation(connection, conversation_retire);
}

void connection_drain(struct connection *connection)
{
	if (connection->stage == EXCHANGING && connection->conversation)
		tell_conversation(connection, conversation_drain);
	else if (connection->stage != RELAYING)
		connection_close(connection, REASON_DRAINED);
}
