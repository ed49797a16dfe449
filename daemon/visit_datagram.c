#include "daemon/visit_datagram.h"

#include "daemon/arrival.h"
#include "daemon/visit_judge.h"

enum {
	DATAGRAMS_MAX = 4, /* of QUIC before a verdict; a hello takes up to three */
	FLIGHT_SECONDS = 2,
};

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
	return visit_judge(visits, flow, &said);
}

/* Datagrams that were on their way when the flow's fate was decided share it. One that comes later comes because
 * conntrack has forgotten the flow: its ends may have begun something new. */
static bool is_over(const struct flow *flow)
{
	return flow->fate != FATE_UNDECIDED &&
	       clock_steady() - flow->settled > FLIGHT_SECONDS * 1000000LL;
}

enum fate visit_datagram(struct visits *visits, const struct queue_packet *arrival,
			 const struct packet *packet)
{
	const struct said nothing = { 0 };
	struct flow *flow =
		flows_find(visits->flows, FLOW_DATAGRAMS, &packet->source, &packet->destination);
	struct hello hello;

	if (!flow || is_over(flow))
		flow = arrival_begin(visits, arrival, packet, FLOW_DATAGRAMS);
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
