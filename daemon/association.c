#include "daemon/association.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/dialer.h"
#include "daemon/side.h"
#include "daemon/tunnel.h"
#include "netfilter/socket.h"

struct association {
	struct association_settings settings;
	enum association_state state;
	enum reason reason;
	const char *detail;
	struct resolver_wait resolution;
	struct resolved addresses;
	struct dialer *dialer;
	struct address proxy_address; /* as connected */
	struct side side;
	struct tunnel *tunnel;
	struct address relay;
	struct event turn; /* also the time that is left */
	int64_t given_up;
};

static void finish(struct association *association, enum association_state state)
{
	association->state = state;
	dialer_free(association->dialer);
	association->dialer = NULL;
	tunnel_free(association->tunnel);
	association->tunnel = NULL;
	event_del(&association->turn);
	association->settings.wake(association->settings.context);
}

static void fail(struct association *association, enum reason reason, const char *detail)
{
	association->reason = reason;
	association->detail = detail;
	finish(association, ASSOCIATION_FAILED);
}

/* Steps, each called until the next one has taken its place */

/* The proxy ends the association by closing. */
static void listen_to_proxy(struct association *association)
{
	char byte;

	if (side_read(&association->side, &byte, 1) < 0 && errno == EAGAIN)
		return;
	fail(association, REASON_PROXY_REFUSED, "it has ended the association");
}

static bool is_anywhere(const struct address *address)
{
	for (unsigned i = 0; i < address_width(address); i++)
		if (address->bytes[i])
			return false;
	return true;
}

static void succeed(struct association *association)
{
	association->relay = *tunnel_relay(association->tunnel);
	if (association->relay.family == AF_UNSPEC || !association->relay.port) {
		fail(association, REASON_PROXY_BROKEN, "it does not say where datagrams go");
		return;
	}
	/* "Where you have found me" (many proxies say 0.0.0.0). */
	if (is_anywhere(&association->relay)) {
		uint16_t port = association->relay.port;

		association->relay = association->proxy_address;
		association->relay.port = port;
	}
	finish(association, ASSOCIATION_MADE);
}

static void talk(struct association *association)
{
	const char *detail;
	enum reason reason;

	switch (tunnel_turn(association->tunnel, &association->side)) {
	case SIDE_DONE:
		succeed(association);
		break;
	case SIDE_WAIT:
		break;
	case SIDE_FAILED:
		reason = tunnel_failure(association->tunnel, &detail);
		fail(association, reason, detail);
		break;
	}
}

static void take_turn(struct association *association);

static void on_proxy(void *context)
{
	take_turn(context);
}

static void begin_talk(struct association *association, int fd)
{
	const struct tunnel_settings settings = {
		.proxy = association->settings.proxy,
		.proxy_address = &association->proxy_address,
	};

	side_open(&association->side, fd);
	association->tunnel = tunnel_new_for_datagrams(&settings);
	if (!association->tunnel || side_watch(&association->side, association->settings.base,
					       on_proxy, association) < 0)
		fail(association, REASON_NO_MEMORY, NULL);
	else
		talk(association);
}

static void dial(struct association *association)
{
	enum dialing dialing;
	int fd;

	dialing = dialer_turn(association->dialer, &fd, &association->proxy_address);
	if (dialing == DIALING)
		return;
	if (dialing == DIALING_FAILED) {
		fail(association, dialer_reason(errno), "the proxy cannot be reached");
		return;
	}
	dialer_free(association->dialer);
	association->dialer = NULL;
	begin_talk(association, fd);
}

static void take_turn(struct association *association)
{
	if (association->state == ASSOCIATION_MADE)
		listen_to_proxy(association);
	else if (association->state == ASSOCIATION_FAILED)
		return;
	else if (association->tunnel)
		talk(association);
	else if (association->dialer)
		dial(association);
}

static int dial_address(void *context, const struct address *address)
{
	const struct association *association = context;

	return socket_dial(address, &association->settings.client);
}

static void begin_dial(struct association *association)
{
	for (size_t i = 0; i < association->addresses.count; i++)
		association->addresses.addresses[i].port =
			station_port(&association->settings.proxy->station, 0);
	dialer_sort(&association->addresses, association->settings.client.family);
	association->dialer = dialer_new(association->settings.base, &association->addresses,
					 dial_address, on_proxy, association);
	if (!association->dialer)
		fail(association, REASON_NO_MEMORY, NULL);
}

static void on_turn(evutil_socket_t fd, short what, void *argument)
{
	struct association *association = argument;
	int64_t left = association->given_up - clock_steady();
	struct timeval rest = { left / 1000000, left % 1000000 };

	(void)fd;
	(void)what;
	if (left <= 0) {
		fail(association, association->tunnel ? REASON_PROXY_TIMEOUT : REASON_CONNECT_TIMEOUT,
		     NULL);
		return;
	}
	evtimer_add(&association->turn, &rest);
	if (association->dialer || association->tunnel || association->resolution.lookup)
		return;
	if (association->addresses.count)
		begin_dial(association);
	else
		fail(association, REASON_NAME_UNRESOLVED, "of the proxy");
}

static void soon(struct association *association)
{
	static const struct timeval now = { 0, 0 };

	evtimer_add(&association->turn, &now);
}

static void resolved(void *context, const struct resolved *addresses)
{
	struct association *association = context;

	association->addresses = *addresses;
	soon(association);
}

struct association *association_new(const struct association_settings *settings)
{
	const struct station *station = &settings->proxy->station;
	const struct timeval patience = { settings->patience / 1000000, 0 };
	struct association *association = calloc(1, sizeof(*association));

	if (!association)
		return NULL;
	association->settings = *settings;
	association->given_up = clock_steady() + settings->patience;
	side_begin(&association->side, NULL);
	evtimer_assign(&association->turn, settings->base, on_turn, association);
	association->resolution.done = resolved;
	association->resolution.context = association;
	if (station->host) {
		resolver_ask(settings->resolver, station->host, &association->resolution);
		if (association->resolution.lookup)
			evtimer_add(&association->turn, &patience);
	} else {
		association->addresses = (struct resolved){ 1, { station->address } };
		soon(association);
	}
	return association;
}

void association_free(struct association *association)
{
	if (!association)
		return;
	resolver_cancel(&association->resolution);
	event_del(&association->turn);
	dialer_free(association->dialer);
	tunnel_free(association->tunnel);
	side_close(&association->side);
	side_end(&association->side);
	free(association);
}

enum association_state association_state(const struct association *association)
{
	return association->state;
}

const struct address *association_relay(const struct association *association)
{
	return &association->relay;
}

enum reason association_failure(const struct association *association, const char **detail)
{
	*detail = association->detail;
	return association->reason;
}
