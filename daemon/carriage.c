#include "daemon/carriage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/carriage_judge.h"
#include "daemon/datagrams.h"
#include "daemon/packet/dns.h"
#include "daemon/dns_answer.h"
#include "daemon/through/socks5.h"
#include "netfilter/datagram.h"

enum {
	DNS_PORT = 53,
	HELLO_DATAGRAMS = 4, /* of QUIC before a verdict */
	ANSWER_MAX = 600,
	RECEIVES_PER_TURN = 64,

	/* seconds of silence after which it is over */
	SILENT_REFUSED = 2,
	SILENT_DNS = 10,
	SILENT_UNANSWERED = 30,
	SILENT_ANSWERED = 180, /* RFC 4787 section 4.3: no less than two minutes */
};

/* Beginning and end */

static int64_t patience(const struct carriage *carriage)
{
	int64_t seconds = carriage->answered ? SILENT_ANSWERED : SILENT_UNANSWERED;

	if (carriage->flow->fate == FATE_REFUSE || carriage->flow->fate == FATE_DROP)
		seconds = SILENT_REFUSED;
	else if (carriage->flow->server.port == DNS_PORT)
		seconds = SILENT_DNS;
	return seconds * 1000000;
}

static enum reason reason_of_silence(const struct carriage *carriage)
{
	switch (carriage->flow->fate) {
	case FATE_PASS:
		return REASON_IDLE;
	case FATE_UNDECIDED:
		return REASON_HELLO_TIMEOUT;
	default:
		return carriage->reason;
	}
}

static void wait_for_silence(struct carriage *carriage)
{
	int64_t left = carriage->last + patience(carriage) - clock_steady();
	struct timeval rest = { left / 1000000, left % 1000000 };

	if (left > 0)
		evtimer_add(&carriage->timer, &rest);
	else
		carriage_end(carriage, reason_of_silence(carriage));
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	wait_for_silence(argument);
}

static void fill_client(struct carriage *carriage)
{
	struct endpoint *client = &carriage->client;
	const struct flow *flow = carriage->flow;

	client->id = ids_next(&datagrams_gateway(carriage->datagrams)->ids);
	client->peer = client->address = flow->client;
	client->local = flow->server;
	client->transport = TRANSPORT_UDP;
	client->start = clock_now();
	client->state = ENDPOINT_ACTIVE;
}

struct carriage *carriage_new(struct datagrams *datagrams, struct flow *flow)
{
	struct gateway *gateway = datagrams_gateway(datagrams);
	struct carriage *carriage = calloc(1, sizeof(*carriage));

	if (!carriage)
		return NULL;
	carriage->datagrams = datagrams;
	carriage->flow = flow;
	flow->story = carriage;
	carriage->id = ids_next(&gateway->ids);
	carriage->regime = regime_hold(gateway->regime);
	carriage->reason = REASON_TOO_MANY;
	carriage->fd = -1;
	fill_client(carriage);
	carriage->last = carriage->client.start.steady;
	evtimer_assign(&carriage->timer, gateway->base, on_timer, carriage);
	datagrams_add(datagrams, carriage);
	wait_for_silence(carriage);
	atomic_fetch_add_explicit(&gateway->counters->accepted, 1, memory_order_relaxed);
	return carriage;
}

void carriage_end(struct carriage *carriage, enum reason reason)
{
	/* A refused one has its reason. */
	if (carriage->flow->fate != FATE_REFUSE && carriage->flow->fate != FATE_DROP)
		carriage->reason = reason;
	flows_forget(datagrams_flows(carriage->datagrams), carriage->flow);
}

static void drop_held(struct carriage *carriage)
{
	while (carriage->held_count)
		free(carriage->held[--carriage->held_count].bytes);
	carriage->held_bytes = 0;
}

void carriage_forget(void *context, struct flow *flow)
{
	struct carriage *carriage = flow->story;

	carriage->client.end = carriage->server.end = clock_now();
	carriage->client.state = carriage->server.state = ENDPOINT_CLOSED;
	carriage_report(carriage);
	if (flow->fate != FATE_UNDECIDED)
		carriage_event(carriage, EVENT_UDP_END);
	datagrams_remove(context, carriage);
	event_del(&carriage->timer);
	if (carriage->fd >= 0) {
		event_del(&carriage->event);
		close(carriage->fd);
	}
	resolver_cancel(&carriage->resolution);
	association_free(carriage->association);
	drop_held(carriage);
	endpoint_end(&carriage->client);
	endpoint_end(&carriage->server);
	regime_release(carriage->regime);
	flow->story = NULL;
	free(carriage);
}

/* Refusing */

/* It stays for a while, so that what comes again hears the same. */
static void stay_refused(struct carriage *carriage, enum fate fate, enum reason reason)
{
	flow_settle(datagrams_flows(carriage->datagrams), carriage->flow, fate);
	carriage->reason = reason;
	drop_held(carriage);
	evtimer_del(&carriage->timer);
	wait_for_silence(carriage);
}

static void refuse(struct carriage *carriage, enum fate fate, enum reason reason, size_t length)
{
	stay_refused(carriage, fate, reason);
	carriage_event(carriage, EVENT_UDP_START);
	if (fate == FATE_REFUSE)
		datagrams_refuse(carriage->datagrams, carriage->flow, length);
}

/* There is no way, or no longer. */
static void fail(struct carriage *carriage, enum reason reason, const char *detail)
{
	endpoint_fail(&carriage->server, reason, detail);
	if (carriage->fd >= 0)
		event_del(&carriage->event);
	stay_refused(carriage, FATE_REFUSE, reason);
	datagrams_refuse(carriage->datagrams, carriage->flow, 0);
}

/* Carrying */

static const struct station *station_of(const struct carriage *carriage)
{
	const struct upstream *upstream = carriage->rule->upstream;

	return upstream && upstream->server_count ? &upstream->servers[0] : NULL;
}

static size_t print_head(const struct carriage *carriage, char *storage)
{
	const struct station *station = station_of(carriage);
	uint16_t port = carriage->flow->server.port;
	struct text text;

	text_begin(&text, storage, SOCKS5_HEAD_MAX + 1);
	if (station)
		socks5_add_datagram_head(&text, station->host, &station->address,
					 station_port(station, port));
	else
		socks5_add_datagram_head(&text, NULL, &carriage->flow->server, port);
	return text.length;
}

/* What the kernel has no room for is lost. */
static void send_on(struct carriage *carriage, struct span bytes)
{
	char head[SOCKS5_HEAD_MAX + 1];
	struct iovec parts[2] = { { head, 0 }, { (void *)bytes.bytes, bytes.length } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (carriage->association)
		parts[0].iov_len = print_head(carriage, head);
	if (sendmsg(carriage->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == ECONNREFUSED)
		fail(carriage, REASON_CONNECT_REFUSED, NULL);
	else
		carriage->server.sent += bytes.length;
}

/* Through a proxy: whose datagram it is, without its head. */
static bool unwrap(const struct carriage *carriage, struct span *bytes)
{
	const struct station *station = station_of(carriage);
	const struct address *wanted = station ? &station->address : &carriage->flow->server;
	struct address from;

	if (!carriage->association)
		return true;
	if (!socks5_read_datagram(*bytes, &from, bytes))
		return false;
	return (station && station->host) || address_same_host(&from, wanted);
}

/* As at the packet door. False: it cannot go on. */
static bool read_answer(const struct carriage *carriage, struct span bytes)
{
	const struct gateway *gateway = datagrams_gateway(carriage->datagrams);
	struct dns_message message;

	if (!dns_parse(bytes.bytes, bytes.length, &message) || !message.answer)
		return true;
	dns_answer_learn(gateway->sightings, &message, clock_steady() / 1000000);
	switch (dns_strip((uint8_t *)bytes.bytes, bytes.length,
			  rule_dns_strip(carriage_judge_answer(carriage, message.name)))) {
	case DNS_STRIPPED:
		atomic_fetch_add_explicit(&gateway->counters->dns_stripped, 1, memory_order_relaxed);
		return true;
	case DNS_SIGNED:
		atomic_fetch_add_explicit(&gateway->counters->dns_signed, 1, memory_order_relaxed);
		return true;
	case DNS_ENTANGLED:
		return false;
	default:
		return true;
	}
}

/* bytes: in the worker's room, where they may be changed. */
static void bring_back(struct carriage *carriage, struct span bytes)
{
	if (!unwrap(carriage, &bytes))
		return;
	if (carriage->flow->server.port == DNS_PORT && !read_answer(carriage, bytes))
		return;
	carriage->answered = true;
	carriage->last = clock_steady();
	carriage->server.received += bytes.length;
	carriage->client.sent += bytes.length;
	datagrams_answer(carriage->datagrams, carriage->flow, bytes);
}

static void on_answer(evutil_socket_t fd, short what, void *argument)
{
	struct carriage *carriage = argument;
	uint8_t *room = datagrams_room(carriage->datagrams);

	(void)what;
	for (int i = 0; i < RECEIVES_PER_TURN; i++) {
		ssize_t length = recv(fd, room, DATAGRAM_ROOM, MSG_DONTWAIT);

		if (length < 0 && errno == ECONNREFUSED) {
			fail(carriage, REASON_CONNECT_REFUSED, NULL);
			return;
		}
		if (length < 0)
			return;
		bring_back(carriage, (struct span){ room, (size_t)length });
	}
}

static void send_held(struct carriage *carriage)
{
	/* One that fails drops them all. */
	for (size_t i = 0; i < carriage->held_count; i++)
		send_on(carriage, (struct span){ carriage->held[i].bytes,
						 carriage->held[i].length });
	drop_held(carriage);
}

static const struct address *shown_source(const struct carriage *carriage)
{
	bool keep = datagrams_gateway(carriage->datagrams)->transparent &&
		    regime_policy(carriage->regime)->source == SOURCE_KEEP;

	return keep ? &carriage->flow->client : NULL;
}

static void open_way(struct carriage *carriage, const struct address *to)
{
	struct gateway *gateway = datagrams_gateway(carriage->datagrams);

	if (gateway_is_own_listener(gateway, to)) {
		fail(carriage, REASON_LOOP, NULL);
		return;
	}
	carriage->server.peer = *to;
	carriage->fd = datagram_connect(to, shown_source(carriage));
	if (carriage->fd < 0) {
		fail(carriage, dialer_reason(errno), strerror(errno));
		return;
	}
	carriage->server.state = ENDPOINT_ACTIVE;
	carriage->server.tcp_setup = clock_now();
	event_assign(&carriage->event, gateway->base, carriage->fd, EV_READ | EV_PERSIST, on_answer,
		     carriage);
	event_add(&carriage->event, NULL);
	send_held(carriage);
}

/* Ways */

static void on_association(void *context)
{
	struct carriage *carriage = context;
	const char *detail;
	enum reason reason;

	switch (association_state(carriage->association)) {
	case ASSOCIATION_ON_ITS_WAY:
		break;
	case ASSOCIATION_MADE:
		if (carriage->fd < 0)
			open_way(carriage, association_relay(carriage->association));
		break;
	case ASSOCIATION_FAILED:
		reason = association_failure(carriage->association, &detail);
		fail(carriage, reason, detail);
		break;
	}
}

static void associate(struct carriage *carriage, const struct proxy *proxy)
{
	struct gateway *gateway = datagrams_gateway(carriage->datagrams);
	const struct address *client = shown_source(carriage);
	struct association_settings settings = {
		.base = gateway->base,
		.resolver = gateway->world.resolver,
		.proxy = proxy,
		.patience = (int64_t)regime_policy(carriage->regime)->limits.value[LIMIT_CONNECT],
		.wake = on_association,
		.context = carriage,
	};

	if (client)
		settings.client = *client;
	carriage->server.via = proxy;
	carriage->association = association_new(&settings);
	if (!carriage->association)
		fail(carriage, REASON_NO_MEMORY, NULL);
}

static void on_addresses(void *context, const struct resolved *addresses)
{
	struct carriage *carriage = context;
	struct resolved sorted = *addresses;
	uint16_t port = carriage->flow->server.port;

	if (!sorted.count) {
		fail(carriage, REASON_NAME_UNRESOLVED, NULL);
		return;
	}
	dialer_sort(&sorted, carriage->flow->client.family);
	sorted.addresses[0].port = station_port(station_of(carriage), port);
	open_way(carriage, &sorted.addresses[0]);
}

static void set_out(struct carriage *carriage)
{
	const struct upstream *upstream = carriage->rule->upstream;
	const struct station *station = station_of(carriage);
	struct gateway *gateway = datagrams_gateway(carriage->datagrams);
	struct address to = station ? station->address : carriage->flow->server;

	if (station)
		to.port = station_port(station, carriage->flow->server.port);
	carriage->server.id = ids_next(&gateway->ids);
	carriage->server.transport = TRANSPORT_UDP;
	carriage->server.start = clock_now();
	carriage->server.address = to;
	carriage->server.host = station ? station->host : NULL;
	if (upstream && upstream->proxy.through != THROUGH_NOTHING) {
		associate(carriage, &upstream->proxy);
	} else if (station && station->host) {
		carriage->resolution.done = on_addresses;
		carriage->resolution.context = carriage;
		resolver_ask(gateway->world.resolver, station->host, &carriage->resolution);
	} else {
		open_way(carriage, &to);
	}
}

/* The verdict */

static void obey(struct carriage *carriage, const struct rule *rule, size_t length)
{
	carriage->rule = rule;
	if (rule->verdict == VERDICT_BLOCK) {
		refuse(carriage, rule->block == BLOCK_DROP ? FATE_DROP : FATE_REFUSE,
		       REASON_BLOCKED, length);
	} else if (rule->verdict == VERDICT_PASS || rule_carries_datagrams(rule)) {
		flow_settle(datagrams_flows(carriage->datagrams), carriage->flow, FATE_PASS);
		carriage_event(carriage, EVENT_UDP_START);
		set_out(carriage);
	} else {
		refuse(carriage, FATE_REFUSE, REASON_OVER_TCP, length);
	}
}

static void decide(struct carriage *carriage, unsigned learned, const struct hello *hello,
		   size_t length)
{
	struct decision decision =
		carriage_judge(carriage, regime_policy(carriage->regime), learned, hello);

	if (decision.ask && !learned)
		return;
	if (decision.ask) {
		refuse(carriage, FATE_REFUSE, REASON_OVER_TCP, length);
		return;
	}
	carriage_count(carriage, &decision);
	obey(carriage, decision.rule, length);
}

static bool hold(struct carriage *carriage, struct span bytes)
{
	struct held *held = &carriage->held[carriage->held_count];

	if (carriage->held_count == HELD_MAX ||
	    carriage->held_bytes + bytes.length > HELD_BYTES_MAX)
		return false;
	held->bytes = malloc(bytes.length + 1);
	if (!held->bytes)
		return false;
	memcpy(held->bytes, bytes.bytes, bytes.length);
	held->length = bytes.length;
	carriage->held_bytes += bytes.length;
	carriage->held_count++;
	return true;
}

static void read_hello(struct carriage *carriage, struct span bytes)
{
	const unsigned everything = MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	struct flow *flow = carriage->flow;
	struct hello hello;

	switch (flow_read(datagrams_flows(carriage->datagrams), flow, bytes, &hello)) {
	case QUIC_HELLO:
		carriage->protocol = PROTOCOL_QUIC;
		strcpy(carriage->host, hello.name);
		decide(carriage, MOMENT_HELLO, &hello, bytes.length);
		break;
	case QUIC_NOT:
		carriage->protocol = PROTOCOL_UNKNOWN;
		decide(carriage, MOMENT_HELLO | everything, NULL, bytes.length);
		break;
	case QUIC_MORE:
		if (++flow->packets == HELLO_DATAGRAMS)
			refuse(carriage, FATE_REFUSE, REASON_HELLO_TOO_LONG, bytes.length);
		break;
	default:
		refuse(carriage, FATE_REFUSE, REASON_HELLO_BROKEN, bytes.length);
		break;
	}
}

/* DNS: every question is judged by itself. */

static void answer(struct carriage *carriage, const struct rule *rule, const struct dns_message *query)
{
	uint8_t message[ANSWER_MAX];
	size_t length = dns_answer_print(rule, query, message, sizeof(message));

	if (length)
		datagrams_answer(carriage->datagrams, carriage->flow,
				 (struct span){ message, length });
}

/* Whether it may go on. */
static bool ask_about(struct carriage *carriage, struct span bytes)
{
	struct dns_message query;
	const struct rule *rule;

	if (!dns_parse(bytes.bytes, bytes.length, &query))
		query = (struct dns_message){ .name = "" };
	rule = carriage_judge_question(carriage, query.name);
	carriage->protocol = PROTOCOL_DNS;
	if (dns_answer_of(rule) == DNS_FROM_US && query.question_end)
		answer(carriage, rule, &query);
	if (dns_answer_of(rule) != DNS_FROM_SERVER)
		return false;
	if (carriage->flow->fate == FATE_UNDECIDED && hold(carriage, bytes)) {
		obey(carriage, rule, bytes.length);
		return false;
	}
	/* One that another rule sends elsewhere is lost; asked again, it begins anew. */
	if (rule->upstream == carriage->rule->upstream)
		return true;
	carriage_end(carriage, REASON_FINISHED);
	return false;
}

void carriage_take(struct carriage *carriage, struct span bytes)
{
	struct flow *flow = carriage->flow;

	carriage->client.received += bytes.length;
	if (flow->fate == FATE_REFUSE)
		datagrams_refuse(carriage->datagrams, flow, bytes.length);
	if (flow->fate == FATE_REFUSE || flow->fate == FATE_DROP)
		return;
	carriage->last = clock_steady();
	if (flow->server.port == DNS_PORT && !ask_about(carriage, bytes))
		return;
	if (flow->fate == FATE_PASS && carriage->fd >= 0) {
		send_on(carriage, bytes);
		return;
	}
	if (!hold(carriage, bytes) || flow->fate != FATE_UNDECIDED)
		return;
	if (!flow->packets)
		decide(carriage, 0, NULL, bytes.length);
	if (flow->fate == FATE_UNDECIDED)
		read_hello(carriage, bytes);
}
