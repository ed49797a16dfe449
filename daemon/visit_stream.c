#include "daemon/visit_stream.h"

#include "daemon/arrival.h"
#include "daemon/visit_judge.h"

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
	flow = arrival_begin(visits, arrival, packet, FLOW_STREAM);
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

enum fate visit_stream(struct visits *visits, const struct queue_packet *arrival,
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
