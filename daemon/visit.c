#include "daemon/visit.h"

#include <string.h>
#include <sys/socket.h>

#include "daemon/packet/dns.h"
#include "daemon/dns_answer.h"
#include "daemon/visit_judge.h"

enum {
	DNS_PORT = 53,
	DATAGRAMS_MAX = 4, /* of QUIC before a verdict; a hello takes up to three */
	ANSWER_MAX = 600,
	FLIGHT_SECONDS = 2,
};

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Behind the gateway's own packets no chain waits to take the mark off again. */
static uint32_t mark_of(const struct visits *visits, const struct queue_packet *arrival,
			uint32_t value)
{
	return (arrival->mark & ~visits->marks.mask) | (arrival->outgoing ? 0 : value);
}

/* to: with the port of the gateway as its scope where the address is link-local. */
static void send_raw(const struct visits *visits, const struct address *to, const uint8_t *bytes,
		     size_t length)
{
	struct sockaddr_storage storage;
	struct address target = *to;
	socklen_t size;
	int fd = to->family == AF_INET ? visits->raw4 : visits->raw6;

	target.port = 0;
	size = address_to_socket(&target, AF_UNSPEC, &storage);
	if (fd >= 0)
		sendto(fd, bytes, length, MSG_DONTWAIT, (struct sockaddr *)&storage, size);
}

/* The kernel resets the client; this one is for the server, which has answered its SYN. */
static void reset_server(const struct visits *visits, const struct packet *packet)
{
	uint8_t bytes[PACKET_HEADERS_MAX];
	struct packet reset = *packet;

	if (packet->flags & PACKET_SYN)
		return;
	reset.flags = PACKET_RST | PACKET_ACK;
	send_raw(visits, &packet->destination, bytes, packet_print_tcp(&reset, bytes));
}

static void carry_out(struct visits *visits, const struct queue_packet *arrival,
		      const struct packet *packet, enum fate fate)
{
	const struct marks *marks = &visits->marks;
	uint32_t value = marks->undecided;

	switch (fate) {
	case FATE_DROP:
		queue_drop(visits->queue, arrival->id);
		return;
	case FATE_REFUSE:
		value = marks->refused;
		if (packet->kind == PACKET_TCP)
			reset_server(visits, packet);
		break;
	case FATE_PASS:
		value = marks->forward;
		break;
	case FATE_UNSEEN:
		value = marks->watching;
		break;
	case FATE_UNDECIDED:
		break;
	}
	queue_accept(visits->queue, arrival->id, mark_of(visits, arrival, value));
}

static void note_arrival(const struct visits *visits, struct flow *flow,
			 const struct queue_packet *arrival)
{
	flow->mac_known = arrival->mac != NULL;
	if (arrival->mac)
		memcpy(flow->mac, arrival->mac, sizeof(flow->mac));
	for (size_t i = 0; i < visits->port_count; i++)
		if (visits->ports[i].index == arrival->port)
			flow->port_name = visits->ports[i].name;
}

static struct flow *begin_flow(struct visits *visits, const struct queue_packet *arrival,
			       const struct packet *packet, enum flow_kind kind)
{
	struct flow *flow =
		flows_begin(visits->flows, kind, &packet->source, &packet->destination);

	if (flow)
		note_arrival(visits, flow, arrival);
	return flow;
}

/* Streams */

static void fill_said(const struct greeting *greeting, struct said *said)
{
	said->learned = MOMENT_HELLO;
	said->protocol = greeting->protocol;
	said->host = greeting_host(greeting);
	if (greeting->protocol == PROTOCOL_TLS) {
		said->alpn = greeting->hello.alpn;
		said->tls_version = greeting->hello.version;
	} else {
		said->learned |= MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	}
}

/* What has no name of its own is known by the one that the device asked for. */
static void fill_sighting(struct visits *visits, const struct flow *flow, struct said *said)
{
	if (said->protocol == PROTOCOL_TLS || said->protocol == PROTOCOL_HTTP ||
	    said->protocol == PROTOCOL_QUIC || said->protocol == PROTOCOL_DNS || said->host)
		return;
	if (sightings_find(visits->sightings, &flow->server, clock_steady() / 1000000,
			   visits->sighted))
		said->host = visits->sighted;
}

/* DNS over TCP (RFC 7766): lengths, and as many bytes behind each. The stream is followed to its end, and all of it
 * is kept (SEGMENT_BYTES_MAX), so that what was judged cannot be said again in other words. */
static enum fate judge_questions(struct visits *visits, struct flow *flow)
{
	const struct segments *segments = &flow->segments;
	enum fate fate = FATE_UNDECIDED;
	struct reader reader;

	reader_begin(&reader, segments->bytes, segments_ready(segments));
	reader_take(&reader, flow->asked);
	while (fate == FATE_UNDECIDED) {
		struct reader message = reader_vector16(&reader);
		struct dns_message question;

		if (message.failed)
			break;
		if (!dns_parse(message.next, reader_left(&message), &question))
			question = (struct dns_message){ .name = "" };
		flow->asked += 2 + reader_left(&message);
		fate = visit_stream_question(visits, flow, &question);
	}
	return fate;
}

static enum fate judge_greeting(struct visits *visits, struct flow *flow)
{
	const struct segments *segments = &flow->segments;
	struct greeting greeting;
	struct said said = { 0 };

	switch (greeting_read(segments->bytes, segments_ready(segments), &visits->room,
			      &greeting)) {
	case GREETING_MORE:
		return FATE_UNDECIDED;
	case GREETING_TOO_LONG:
		return visit_refuse(visits, flow, REASON_HELLO_TOO_LONG);
	case GREETING_BROKEN:
		return flow->anchored ? visit_refuse(visits, flow, REASON_HELLO_BROKEN)
				      : FATE_UNSEEN;
	case GREETING_READ:
		break;
	}
	if (!flow->anchored && greeting.protocol == PROTOCOL_UNKNOWN)
		return FATE_UNSEEN;
	if (greeting.protocol == PROTOCOL_DNS)
		return judge_questions(visits, flow);
	fill_said(&greeting, &said);
	fill_sighting(visits, flow, &said);
	return visit_judge(visits, flow, &said);
}

static enum fate judge_beginning(struct visits *visits, struct flow *flow)
{
	if (!segments_ready(&flow->segments))
		return FATE_UNDECIDED;
	return flow->asked ? judge_questions(visits, flow) : judge_greeting(visits, flow);
}

/* Where the payload lies behind the stream's first byte. What lies before it (a keep-alive probe
 * repeats the byte that was last acknowledged) was there before. */
static bool place_payload(const struct flow *flow, const struct packet *packet,
			  struct span *payload, size_t *offset)
{
	uint32_t sequence = packet->sequence + (packet->flags & PACKET_SYN ? 1 : 0);
	uint32_t distance = sequence - flow->first;
	uint32_t before = flow->first - sequence;

	*payload = packet->payload;
	*offset = distance;
	if (distance < UINT32_MAX / 2)
		return payload->length > 0;
	if (before >= payload->length)
		return false;
	payload->bytes += before;
	payload->length -= before;
	*offset = 0;
	return true;
}

static enum fate take_payload(struct visits *visits, struct flow *flow, const struct packet *packet)
{
	struct span payload;
	size_t offset;

	if (++flow->packets > FLOW_PACKETS_MAX)
		return visit_refuse(visits, flow, REASON_HELLO_TOO_LONG);
	if (!place_payload(flow, packet, &payload, &offset))
		return FATE_UNDECIDED;
	switch (flow_take(visits->flows, flow, offset, payload)) {
	case SEGMENTS_TAKEN:
		return judge_beginning(visits, flow);
	case SEGMENTS_CONFLICT:
		return visit_refuse(visits, flow, REASON_CONTRADICTION);
	case SEGMENTS_TOO_MUCH:
		return visit_refuse(visits, flow, REASON_HELLO_TOO_LONG);
	default:
		return visit_refuse(visits, flow, REASON_NO_MEMORY);
	}
}

static void note_opening(void *context, const struct packet *packet)
{
	struct visits *visits = context;

	if (packet->kind == PACKET_TCP)
		openings_note(visits->openings, &packet->source, &packet->destination,
			      packet->sequence);
	else
		openings_doubt(visits->openings, &packet->source, &packet->destination);
}

void visits_look_out(struct visits *visits)
{
	if (visits->lookout)
		lookout_read(visits->lookout, note_opening, visits);
}

/* The stream of a packet: one that began at another number under the same ends is over. */
static struct flow *find_stream(struct visits *visits, const struct queue_packet *arrival,
				const struct packet *packet, enum opening opening, uint32_t first)
{
	bool known = opening == OPENING_KNOWN;
	struct flow *flow =
		flows_find(visits->flows, FLOW_STREAM, &packet->source, &packet->destination);

	if (flow && (!known || (flow->first == first && !(packet->flags & PACKET_SYN))))
		return flow;
	flow = begin_flow(visits, arrival, packet, FLOW_STREAM);
	if (!flow)
		return NULL;
	flow->anchored = known;
	flow->first = known ? first : packet->sequence;
	return flow;
}

static enum fate follow_stream(struct visits *visits, struct flow *flow,
			       const struct packet *packet)
{
	const struct said nothing = { 0 };
	bool opens = packet->flags & PACKET_SYN;

	if (flow->fate != FATE_UNDECIDED)
		return flow->fate;
	if (opens && visit_judge(visits, flow, &nothing) != FATE_UNDECIDED)
		return flow->fate;
	return opens && !packet->payload.length ? FATE_UNDECIDED
						: take_payload(visits, flow, packet);
}

static enum fate visit_stream(struct visits *visits, const struct queue_packet *arrival,
			      const struct packet *packet)
{
	enum opening opening;
	struct flow *flow;
	uint32_t first;
	enum fate fate;

	visits_look_out(visits);
	if (packet->flags & PACKET_SYN)
		note_opening(visits, packet);
	opening = openings_find(visits->openings, &packet->source, &packet->destination, &first);
	flow = find_stream(visits, arrival, packet, opening, first);
	if (!flow)
		return FATE_UNSEEN;
	fate = opening == OPENING_CONTESTED
		       ? visit_refuse(visits, flow, REASON_CONTRADICTION)
		       : follow_stream(visits, flow, packet);
	if (fate != FATE_UNDECIDED)
		openings_forget(visits->openings, &packet->source, &packet->destination);
	return fate;
}

/* Datagrams */

static enum fate judge_datagram(struct visits *visits, struct flow *flow, enum protocol protocol,
				const struct hello *hello)
{
	struct said said = { .learned = MOMENT_HELLO, .protocol = protocol };

	if (hello) {
		said.host = hello->name[0] ? hello->name : NULL;
		said.alpn = hello->alpn;
		said.tls_version = hello->version;
	} else {
		said.learned |= MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	}
	fill_sighting(visits, flow, &said);
	return visit_judge(visits, flow, &said);
}

/* Datagrams that were on their way when the flow's fate was decided share it. One that comes later comes because
 * conntrack has forgotten the flow: its ends may have begun something new. */
static bool is_over(const struct flow *flow)
{
	return flow->fate != FATE_UNDECIDED &&
	       clock_steady() - flow->settled > FLIGHT_SECONDS * 1000000LL;
}

static enum fate visit_datagram(struct visits *visits, const struct queue_packet *arrival,
				const struct packet *packet)
{
	const struct said nothing = { 0 };
	struct flow *flow =
		flows_find(visits->flows, FLOW_DATAGRAMS, &packet->source, &packet->destination);
	struct hello hello;

	if (!flow || is_over(flow))
		flow = begin_flow(visits, arrival, packet, FLOW_DATAGRAMS);
	if (!flow)
		return FATE_UNSEEN;
	if (flow->fate != FATE_UNDECIDED)
		return flow->fate;
	if (!flow->packets && visit_judge(visits, flow, &nothing) != FATE_UNDECIDED)
		return flow->fate;
	flow->packets++;
	switch (flow_read(visits->flows, flow, packet->payload, &hello)) {
	case QUIC_HELLO:
		return judge_datagram(visits, flow, PROTOCOL_QUIC, &hello);
	case QUIC_NOT:
		return judge_datagram(visits, flow, PROTOCOL_UNKNOWN, NULL);
	case QUIC_MORE:
		if (flow->packets < DATAGRAMS_MAX)
			return FATE_UNDECIDED;
		return visit_refuse(visits, flow, REASON_HELLO_TOO_LONG);
	default:
		return visit_refuse(visits, flow, REASON_HELLO_BROKEN);
	}
}

/* DNS */

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
		send_raw(visits, &answer.destination, bytes, headers + message.length);
}

/* Every question is a visit of its own: one socket of a device may ask for many names. */
static void visit_query(struct visits *visits, const struct queue_packet *arrival,
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

	note_arrival(visits, &flow, arrival);
	if (!dns_parse(packet->payload.bytes, packet->payload.length, &query))
		query = (struct dns_message){ .name = "" };
	fate = visit_question(visits, &flow, query.name, &rule);
	if (query.question_end && fate != FATE_DROP && (fate == FATE_REFUSE || rule->dns_answer_count)) {
		length = dns_answer_print(rule, &query, message, sizeof(message));
		send_answer(visits, packet, (struct span){ message, length }, arrival->port);
		fate = FATE_DROP;
	}
	carry_out(visits, arrival, packet, fate == FATE_PASS ? FATE_UNDECIDED : fate);
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
			     mark_of(visits, arrival, visits->marks.undecided), changed);
}

static void visit_answer(struct visits *visits, const struct queue_packet *arrival,
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
	carry_out(visits, arrival, packet, fate);
}

static void visit_udp(struct visits *visits, const struct queue_packet *arrival,
		      const struct packet *packet)
{
	if (packet->destination.port == DNS_PORT)
		visit_query(visits, arrival, packet);
	else if (packet->source.port == DNS_PORT)
		visit_answer(visits, arrival, packet);
	else
		carry_out(visits, arrival, packet, visit_datagram(visits, arrival, packet));
}

void visit_packet(void *context, const struct queue_packet *arrival)
{
	struct visits *visits = context;
	struct packet packet;

	count(&visits->counters->visits);
	switch (packet_parse(arrival->bytes.bytes, arrival->bytes.length, &packet)) {
	case PACKET_TCP:
		carry_out(visits, arrival, &packet, visit_stream(visits, arrival, &packet));
		break;
	case PACKET_UDP:
		visit_udp(visits, arrival, &packet);
		break;
	default:
		carry_out(visits, arrival, &packet, FATE_UNDECIDED);
		break;
	}
}
