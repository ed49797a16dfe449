#include "daemon/datagrams.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/carriage.h"
#include "daemon/carriage_judge.h"
#include "daemon/reply_sockets.h"
#include "netfilter/datagram.h"
#include "netfilter/raw.h"

enum { RECEIVES_PER_TURN = 64 };

struct port {
	const char *name;
	unsigned index;
};

struct datagrams {
	struct gateway *gateway;
	int fd;
	struct event event;
	struct flows *flows;
	struct reply_sockets *replies;
	int raw4, raw6; /* for ICMP; -1: none */
	size_t port_count;
	struct port ports[LAN_PORTS_MAX];
	struct carriage *carriages;
	uint8_t room[DATAGRAM_ROOM];
};

struct gateway *datagrams_gateway(const struct datagrams *datagrams)
{
	return datagrams->gateway;
}

struct flows *datagrams_flows(const struct datagrams *datagrams)
{
	return datagrams->flows;
}

uint8_t *datagrams_room(struct datagrams *datagrams)
{
	return datagrams->room;
}

void datagrams_add(struct datagrams *datagrams, struct carriage *carriage)
{
	carriage->next = datagrams->carriages;
	if (carriage->next)
		carriage->next->previous = carriage;
	datagrams->carriages = carriage;
}

void datagrams_remove(struct datagrams *datagrams, struct carriage *carriage)
{
	if (carriage->next)
		carriage->next->previous = carriage->previous;
	*(carriage->previous ? &carriage->previous->next : &datagrams->carriages) = carriage->next;
}

/* Ports */

void datagrams_forget_ports(struct datagrams *datagrams)
{
	datagrams->port_count = 0;
}

void datagrams_add_port(struct datagrams *datagrams, const char *name, unsigned index)
{
	if (datagrams->port_count < LAN_PORTS_MAX)
		datagrams->ports[datagrams->port_count++] = (struct port){ name, index };
}

/* Receiving */

static void note_arrival(const struct datagrams *datagrams, const struct datagram *datagram,
			 struct flow *flow)
{
	for (size_t i = 0; i < datagrams->port_count; i++)
		if (datagrams->ports[i].index == datagram->port)
			flow->port_name = datagrams->ports[i].name;
	flow->mac_known = neighbours_find(datagrams->gateway->neighbours, datagram->port,
					  &datagram->client, flow->mac);
}

static struct carriage *find(struct datagrams *datagrams, const struct datagram *datagram)
{
	struct flow *flow = flows_find(datagrams->flows, FLOW_DATAGRAMS, &datagram->client,
				       &datagram->origin);

	if (flow)
		return flow->story;
	flow = flows_begin(datagrams->flows, FLOW_DATAGRAMS, &datagram->client, &datagram->origin);
	if (!flow)
		return NULL;
	note_arrival(datagrams, datagram, flow);
	if (carriage_new(datagrams, flow))
		return flow->story;
	flows_forget(datagrams->flows, flow);
	return NULL;
}

static void receive(evutil_socket_t fd, short what, void *argument)
{
	struct datagrams *datagrams = argument;
	struct datagram datagram;
	struct carriage *carriage;

	(void)what;
	for (int i = 0; i < RECEIVES_PER_TURN; i++) {
		if (datagram_receive(fd, &datagram, datagrams->room, sizeof(datagrams->room)) <= 0)
			return;
		carriage = find(datagrams, &datagram);
		if (carriage)
			carriage_take(carriage, datagram.bytes);
	}
}

struct datagrams *datagrams_open(struct gateway *gateway, int fd)
{
	struct datagrams *datagrams = calloc(1, sizeof(*datagrams));

	if (!datagrams) {
		close(fd);
		return NULL;
	}
	datagrams->gateway = gateway;
	datagrams->fd = fd;
	datagrams->raw4 = raw_open(AF_INET);
	datagrams->raw6 = raw_open(AF_INET6);
	datagrams->replies = reply_sockets_new();
	datagrams->flows = flows_new(CARRIED_MAX, carriage_forget, datagrams);
	event_assign(&datagrams->event, gateway->base, fd, EV_READ | EV_PERSIST, receive,
		     datagrams);
	if (datagrams->replies && datagrams->flows && event_add(&datagrams->event, NULL) == 0)
		return datagrams;
	datagrams_close(datagrams);
	return NULL;
}

void datagrams_close(struct datagrams *datagrams)
{
	if (!datagrams)
		return;
	event_del(&datagrams->event);
	while (datagrams->carriages)
		carriage_end(datagrams->carriages, REASON_DRAINED);
	flows_free(datagrams->flows);
	reply_sockets_free(datagrams->replies);
	if (datagrams->raw4 >= 0)
		close(datagrams->raw4);
	if (datagrams->raw6 >= 0)
		close(datagrams->raw6);
	close(datagrams->fd);
	free(datagrams);
}

/* Answering */

void datagrams_answer(struct datagrams *datagrams, const struct flow *flow, struct span bytes)
{
	reply_sockets_send(datagrams->replies, &flow->server, &flow->client, bytes);
}

void datagrams_refuse(struct datagrams *datagrams, const struct flow *flow, size_t length)
{
	const struct packet packet = { .source = flow->client,
				       .destination = flow->server,
				       .payload.length = length };
	uint8_t bytes[PACKET_UNREACHABLE_MAX];
	size_t size = packet_print_unreachable(&packet, bytes);
	struct address target = flow->client;
	struct sockaddr_storage to;
	socklen_t to_length;

	target.port = 0;
	to_length = address_to_socket(&target, AF_UNSPEC, &to);
	sendto(target.family == AF_INET ? datagrams->raw4 : datagrams->raw6, bytes, size,
	       MSG_DONTWAIT, (struct sockaddr *)&to, to_length);
}

/* Cutting and listing */

static bool is_blocked(const struct carriage *carriage, const struct policy *policy)
{
	struct decision decision = carriage_judge(
		carriage, policy,
		MOMENT_HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE, NULL);

	return decision.rule->verdict == VERDICT_BLOCK && decision.rule->cut;
}

void datagrams_cut_by(struct datagrams *datagrams, const struct policy *policy)
{
	struct carriage *carriage = datagrams ? datagrams->carriages : NULL;

	while (carriage) {
		struct carriage *next = carriage->next;

		if (is_blocked(carriage, policy))
			carriage_end(carriage, REASON_CUT);
		carriage = next;
	}
}

void datagrams_cut(struct datagrams *datagrams, uint64_t id, const struct address *address)
{
	struct carriage *carriage = datagrams ? datagrams->carriages : NULL;

	while (carriage) {
		struct carriage *next = carriage->next;
		const struct flow *flow = carriage->flow;

		if ((id && id == carriage->id) ||
		    (address->family != AF_UNSPEC &&
		     (address_same_host(address, &flow->client) ||
		      address_same_host(address, &flow->server))))
			carriage_end(carriage, REASON_CUT);
		carriage = next;
	}
}

void datagrams_cut_all(struct datagrams *datagrams)
{
	while (datagrams && datagrams->carriages)
		carriage_end(datagrams->carriages, REASON_CUT);
}

void datagrams_list(const struct datagrams *datagrams, uint32_t question)
{
	const struct carriage *carriage = datagrams ? datagrams->carriages : NULL;

	for (; carriage; carriage = carriage->next) {
		struct connection_view view;

		carriage_view(carriage, &view);
		view.stage = carriage->fd >= 0 ? "relaying" : "deciding";
		journal_live(datagrams->gateway->journal, question, &view);
	}
}
