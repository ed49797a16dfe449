#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/checks.h"
#include "daemon/child.h"
#include "daemon/connection.h"
#include "daemon/datagrams.h"
#include "daemon/judgement.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/orders.h"
#include "daemon/privilege.h"
#include "daemon/spare.h"
#include "daemon/tls/sessions.h"
#include "daemon/view.h"
#include "netfilter/socket.h"

enum {
	DESCRIPTORS_RESERVED = 64,
	DESCRIPTORS_PER_CONNECTION = 4, /* client, server, and a pipe's share */
	CAP_NET_BIND_SERVICE_BIT = 1 << 10, /* datagrams of others come from their low ports */
	CAP_NET_RAW_BIT = 1 << 13,
};

struct worker {
	const struct worker_settings *settings;
	struct gateway gateway;
	struct listener *listeners[LAN_PORTS_MAX];
	struct checks *checks;       /* of upstreams' servers; the first worker does it for all */
	struct datagrams *datagrams; /* NULL: there is no door for them */
	int signals;
	struct event signal_event;
	struct event order_event;
	struct event local_event;
	struct event beat;
	struct event drained;
};

static void adopt_datagram_ports(struct worker *worker, const struct policy_order *order)
{
	if (!worker->datagrams)
		return;
	datagrams_forget_ports(worker->datagrams);
	for (size_t i = 0; i < order->lan_count; i++)
		if (worker->listeners[i])
			datagrams_add_port(worker->datagrams,
					   listener_port_name(worker->listeners[i]),
					   order->lan_index[i]);
}

static void adopt_listeners(struct worker *worker, const struct policy_order *order,
			    const int *descriptors)
{
	struct gateway *gateway = &worker->gateway;

	for (size_t i = 0; i < LAN_PORTS_MAX; i++) {
		listener_close(worker->listeners[i]);
		worker->listeners[i] = NULL;
	}
	gateway->listener_count = order->lan_count;
	for (size_t i = 0; i < order->lan_count; i++) {
		gateway->listener_ports[i] = socket_port(descriptors[i]);
		worker->listeners[i] = listener_open(gateway, descriptors[i], order->lan[i],
						     order->lan_index[i]);
	}
	adopt_datagram_ports(worker, order);
}

/* OpenSSL and its memory come only with the first policy that opens TLS. */
static void make_tls(struct worker *worker, const struct policy *policy)
{
	struct gateway *gateway = &worker->gateway;
	const struct worker_settings *settings = worker->settings;

	if (policy->speaks_tls && !gateway->world.tls)
		gateway->world.tls = tls_context_new(settings->tickets->keys);
	if (!policy->opens_tls || gateway->issuer)
		return;
	if (gateway->world.tls)
		gateway->issuer = issuer_new(gateway->base, settings->signer, gateway->world.tls,
					     settings->authority_pem);
	if (!gateway->issuer)
		log_error("TLS cannot be opened: connections that need it are refused");
}

static void cut_blocked(struct gateway *gateway)
{
	const struct policy *policy = regime_policy(gateway->regime);
	struct connection *connection = gateway->connections;

	while (connection) {
		struct connection *next = connection->next;

		if (connection_is_cut(connection, policy))
			connection_close(connection, REASON_CUT);
		connection = next;
	}
}

static void begin_regime(struct worker *worker, struct policy *policy)
{
	struct gateway *gateway = &worker->gateway;
	struct regime *regime = regime_new(policy, gateway->regime,
					   worker->settings->authority_pem);

	if (!regime) {
		log_error("out of memory: the policy before stays in force");
		return;
	}
	make_tls(worker, policy);
	if (gateway->world.tls)
		sessions_clear(gateway->world.tls->sessions);
	regime_release(gateway->regime);
	gateway->regime = regime;
	checks_free(worker->checks);
	worker->checks = gateway->index == 0 && !gateway->draining ? checks_new(regime, &gateway->world) : NULL;
	atomic_store(&gateway->counters->policy_generation, policy->generation);
}

static void tell_connections(struct worker *worker, void (*tell)(struct connection *connection))
{
	struct connection *connection = worker->gateway.connections;

	while (connection) {
		struct connection *next = connection->next;

		tell(connection);
		connection = next;
	}
}

/* No new connections; the old ones end as soon as they can, then we do. */
static void retire(struct worker *worker)
{
	struct gateway *gateway = &worker->gateway;

	if (gateway->draining)
		return;
	gateway->draining = true;
	checks_free(worker->checks);
	worker->checks = NULL;
	for (size_t i = 0; i < LAN_PORTS_MAX; i++) {
		listener_close(worker->listeners[i]);
		worker->listeners[i] = NULL;
	}
	datagrams_close(worker->datagrams);
	worker->datagrams = NULL;
	tell_connections(worker, connection_retire);
}

/* Down the ladder: what goes on ends, within a time. */
static void drain(struct worker *worker)
{
	const struct timeval patience = { DRAIN_SECONDS, 0 };

	if (evtimer_pending(&worker->drained, NULL))
		return;
	retire(worker);
	event_del(&worker->order_event);
	tell_connections(worker, connection_drain);
	evtimer_add(&worker->drained, &patience);
}

/* descriptors: the packed sources, then perhaps the lists. One that has retired and does not understand the
 * policy of a newer program cannot keep to it. */
static void adopt_policy(struct worker *worker, const struct policy_order *order,
			 const int *descriptors)
{
	struct policy *policy = order_read_policy(order, descriptors);

	if (!policy && worker->gateway.draining)
		drain(worker);
	if (!policy)
		return;
	begin_regime(worker, policy);
	cut_blocked(&worker->gateway);
	datagrams_cut_by(worker->datagrams, policy);
}

static bool is_cut_by(const struct connection *connection, const struct cut_order *order)
{
	const struct endpoint *client = &connection->client.side.endpoint;

	if (order->all)
		return true;
	if (order->id && order->id == connection->id)
		return true;
	return order->address.family != AF_UNSPEC &&
	       (address_same_host(&order->address, &client->peer) ||
		address_same_host(&order->address, &client->local));
}

static void cut(struct worker *worker, const struct cut_order *order)
{
	struct connection *connection = worker->gateway.connections;

	while (connection) {
		struct connection *next = connection->next;

		if (is_cut_by(connection, order))
			connection_close(connection, REASON_CUT);
		connection = next;
	}
	if (order->all)
		datagrams_cut_all(worker->datagrams);
	else
		datagrams_cut(worker->datagrams, order->id, &order->address);
}

static void obey(struct worker *worker, const union order *order, const int *descriptors)
{
	switch (order->kind) {
	case ORDER_POLICY:
		if (!worker->gateway.draining)
			adopt_listeners(worker, &order->policy,
					descriptors + 1 + order->policy.list_files);
		adopt_policy(worker, &order->policy, descriptors);
		close(descriptors[0]);
		if (order->policy.list_files)
			close(descriptors[1]);
		break;
	case ORDER_CUT:
		cut(worker, &order->cut);
		break;
	case ORDER_RETIRE:
		retire(worker);
		break;
	case ORDER_NAMES:
		resolver_renew(worker->gateway.world.resolver, descriptors[0], descriptors[1]);
		close(descriptors[0]);
		close(descriptors[1]);
		break;
	}
}

static void end_all(struct worker *worker)
{
	while (worker->gateway.connections)
		connection_close(worker->gateway.connections, REASON_INTERRUPTED);
	event_base_loopbreak(worker->gateway.base);
}

static void on_drained(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	end_all(argument);
}

static void on_order(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;
	int descriptors[ORDER_DESCRIPTORS_MAX];
	union order order;
	size_t count;
	int got;

	(void)what;
	while ((got = order_receive(fd, &order, descriptors, &count)) > 0)
		obey(worker, &order, descriptors);
	if (got == 0 || (errno == EBADMSG && worker->gateway.draining))
		drain(worker);
}

static void on_signal(evutil_socket_t fd, short what, void *argument)
{
	(void)what;
	if (child_must_end(fd))
		drain(argument);
}

static void on_local_addresses(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd;
	(void)what;
	local_addresses_update(worker->gateway.local);
}

static void on_beat(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd;
	(void)what;
	atomic_fetch_add_explicit(&worker->gateway.counters->heartbeat, 1, memory_order_relaxed);
	if (tickets_turn(worker->settings->tickets, clock_steady()) && worker->gateway.world.tls)
		tls_context_rekey(worker->gateway.world.tls, worker->settings->tickets->keys);
	if (worker->gateway.draining && !worker->gateway.connections)
		end_all(worker);
}

static void on_again(evutil_socket_t fd, short what, void *argument)
{
	struct gateway *gateway = argument;
	struct connection *connection = gateway->again;

	(void)fd;
	(void)what;
	gateway->again = NULL;
	/* Turned ones may end others' waiting, and may ask for another turn themselves. */
	for (struct connection *one = connection; one; one = one->again)
		one->waits_again = false;
	while (connection) {
		struct connection *next = connection->again;

		connection->again = NULL;
		connection_turn(connection);
		connection = next;
	}
}

static void list_live(void *context, uint32_t question)
{
	struct worker *worker = context;
	struct gateway *gateway = &worker->gateway;
	struct connection_view view;

	for (struct connection *one = gateway->connections; one; one = one->next) {
		connection_view(one, NULL, &view);
		journal_live(gateway->journal, question, &view);
	}
	datagrams_list(worker->datagrams, question);
	journal_live_end(gateway->journal, question);
}

static size_t capacity(void)
{
	struct rlimit limit;
	size_t possible;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return CONNECTIONS_MAX;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur <= DESCRIPTORS_RESERVED)
		return 1;
	possible = (limit.rlim_cur - DESCRIPTORS_RESERVED) / DESCRIPTORS_PER_CONNECTION;
	return MIN(possible, CONNECTIONS_MAX);
}

static int make_gateway(struct worker *worker)
{
	struct gateway *gateway = &worker->gateway;
	struct journal_settings_worker journal = {
		.channel = worker->settings->journal,
		.counters = worker->settings->counters,
		.list = list_live,
		.context = worker,
	};

	gateway->index = worker->settings->index;
	gateway->workers = worker->settings->workers;
	gateway->transparent = worker->settings->transparent;
	gateway->base = event_base_new();
	if (!gateway->base)
		return -1;
	journal.base = gateway->base;
	gateway->counters = worker->settings->counters;
	gateway->pinned = worker->settings->pinned;
	gateway->sightings = worker->settings->sightings;
	gateway->capacity = capacity();
	ids_begin(&gateway->ids, gateway->index);
	gateway->time_minute = -1;
	gateway->room = malloc(sizeof(*gateway->room));
	gateway->local = local_addresses_open();
	gateway->neighbours = neighbours_open();
	gateway->budget = budget_new();
	gateway->pool = pool_new(gateway->base);
	gateway->world.base = gateway->base;
	gateway->world.is_own_listener = gateway_is_own_listener;
	gateway->world.context = gateway;
	gateway->world.resolver = resolver_new(gateway->base);
	gateway->world.health = worker->settings->health;
	gateway->journal = journal_new(&journal);
	gateway->world.journal = gateway->journal;
	evtimer_assign(&gateway->again_event, gateway->base, on_again, gateway);
	return gateway->room && gateway->local && gateway->neighbours &&
			       gateway->budget &&
			       gateway->world.resolver && gateway->journal
		       ? 0
		       : -1;
}

static void watch_events(struct worker *worker)
{
	const struct timeval second = { 1, 0 };
	struct event_base *base = worker->gateway.base;

	event_assign(&worker->signal_event, base, worker->signals, EV_READ | EV_PERSIST, on_signal,
		     worker);
	event_assign(&worker->order_event, base, worker->settings->orders, EV_READ | EV_PERSIST,
		     on_order, worker);
	event_assign(&worker->local_event, base,
		     local_addresses_descriptor(worker->gateway.local), EV_READ | EV_PERSIST,
		     on_local_addresses, worker);
	event_assign(&worker->beat, base, -1, EV_PERSIST, on_beat, worker);
	evtimer_assign(&worker->drained, base, on_drained, worker);
	event_add(&worker->signal_event, NULL);
	event_add(&worker->order_event, NULL);
	event_add(&worker->local_event, NULL);
	event_add(&worker->beat, &second);
}

static void open_doors(struct worker *worker)
{
	const struct policy_order order =
		order_of_policy(worker->settings->policy, worker->settings->indexes);

	adopt_listeners(worker, &order, worker->settings->listeners);
}

/* A sanitizer wants to see who uses what was given back. */
static void keep_spares(void)
{
#ifndef SANITIZED
	spare_keep(SPARE_MAX);
#endif
}

void worker_run(const struct worker_settings *settings)
{
	static struct worker worker;

	worker.settings = settings;
	worker.signals = child_open_signals();
	if (child_become(settings->account, CAP_NET_RAW_BIT | CAP_NET_BIND_SERVICE_BIT) < 0)
		log_fatal("the worker cannot give up its privileges");
	if (worker.signals < 0 || make_gateway(&worker) < 0)
		log_fatal("the worker cannot start: %s", strerror(errno));
	if (settings->datagrams >= 0)
		worker.datagrams = datagrams_open(&worker.gateway, settings->datagrams);
	if (privilege_confine(ROLE_WORKER, NULL) < 0)
		log_fatal("the worker cannot be confined");
	begin_regime(&worker, policy_hold(settings->policy));
	watch_events(&worker);
	open_doors(&worker);
	child_say_ready(settings->ready);
	keep_spares();
	event_base_dispatch(worker.gateway.base);
	journal_flush(worker.gateway.journal);
	exit(0);
}
