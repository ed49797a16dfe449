#include "daemon/visit_dns.h"

#include <string.h>
#include <sys/socket.h>

#include "daemon/arrival.h"
#include "daemon/dns_answer.h"
#include "daemon/verdict.h"
#include "daemon/visit_judge.h"

enum { ANSWER_MAX = 600 };

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* In the name of whom it was asked. */
static void send_answer(const struct visits *visits, const struct packet *packet,
			struct span message, unsigned port)
{
	uint8_t bytes[PACKET_HEADERS_MAX + ANSWER_MAX];
	struct packet answer = { .source = packet->destination, .destination = packet->source,
				 .payload = message };
	size_t headers = packet_print_udp(&answer, bytes);

	memcpy(bytes + headers, message.bytes, message.length);
	if (IN6_IS_ADDR_LINKLOCAL(&packet->source.v6) && packet->source.family == AF_INET6)
		answer.destination.scope = port;
	if (message.length)
		verdict_send(visits, &answer.destination, bytes, headers + message.length);
}

void visit_query(struct visits *visits, const struct queue_packet *arrival,
		 const struct packet *packet)
{
	struct flow flow = { .client = packet->source,
			     .server = packet->destination,
			     .kind = FLOW_DATAGRAMS };
	uint8_t message[ANSWER_MAX];
	struct dns_message query;
	const struct rule *rule;
	enum fate fate;
	size_t length;

	arrival_note(visits, arrival, &flow);
	if (!dns_parse(packet->payload.bytes, packet->payload.length, &query))
		query = (struct dns_message){ .name = "" };
	fate = visit_question(visits, &flow, query.name, &rule);
	if (query.question_end && fate != FATE_DROP && (fate == FATE_REFUSE || rule->dns_answer_count)) {
		length = dns_answer_print(rule, &query, message, sizeof(message));
		send_answer(visits, packet, (struct span){ message, length }, arrival->port);
		fate = FATE_DROP;
	}
	verdict_give(visits, arrival, packet, fate == FATE_PASS ? FATE_UNDECIDED : fate);
}

/* Makes the answer without what the rule wants out of it, in visits->changed. */
static enum dns_stripping strip_answer(struct visits *visits, const struct queue_packet *arrival,
				       const struct packet *packet, unsigned what)
{
	struct span bytes = arrival->bytes;
	uint8_t *payload = visits->changed + (packet->payload.bytes - bytes.bytes);

	if (!what || bytes.length > sizeof(visits->changed))
		return DNS_UNCHANGED;
	memcpy(visits->changed, bytes.bytes, bytes.length);
	return dns_strip(payload, packet->payload.length, what);
}

static unsigned what_to_strip(struct visits *visits, const struct packet *packet, const char *name)
{
	struct flow flow = { .client = packet->destination,
			     .server = packet->source,
			     .kind = FLOW_DATAGRAMS };

	return rule_dns_strip(visit_answered(visits, &flow, name));
}

static void pass_changed(struct visits *visits, const struct queue_packet *arrival,
			 const struct packet *packet)
{
	const struct span changed = { visits->changed, arrival->bytes.length };

	count(&visits->counters->dns_stripped);
	packet_renew_udp(packet, visits->changed);
	queue_accept_changed(visits->queue, arrival->id,
			     verdict_mark(visits, arrival, visits->marks.undecided), changed);
}

void visit_answer(struct visits *visits, const struct queue_packet *arrival,
			 const struct packet *packet)
{
	enum fate fate = FATE_UNDECIDED;
	struct dns_message message;

	if (dns_parse(packet->payload.bytes, packet->payload.length, &message) && message.answer) {
		dns_answer_learn(visits->sightings, &message, clock_steady() / 1000000);
		switch (strip_answer(visits, arrival, packet,
				     what_to_strip(visits, packet, message.name))) {
		case DNS_STRIPPED:
			pass_changed(visits, arrival, packet);
			return;
		case DNS_SIGNED:
			count(&visits->counters->dns_signed);
			break;
		case DNS_ENTANGLED:
			fate = FATE_DROP;
			break;
		case DNS_UNCHANGED:
			break;
		}
	}
	verdict_give(visits, arrival, packet, fate);
}
