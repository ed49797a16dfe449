#include "daemon/visit.h"

#include "daemon/verdict.h"
#include "daemon/visit_datagram.h"
#include "daemon/visit_dns.h"
#include "daemon/visit_stream.h"

enum { DNS_PORT = 53 };

static void visit_udp(struct visits *visits, const struct queue_packet *arrival,
		      const struct packet *packet)
{
	if (packet->destination.port == DNS_PORT)
		visit_query(visits, arrival, packet);
	else if (packet->source.port == DNS_PORT)
		visit_answer(visits, arrival, packet);
	else
		verdict_give(visits, arrival, packet, visit_datagram(visits, arrival, packet));
}

void visit_packet(void *context, const struct queue_packet *arrival)
{
	struct visits *visits = context;
	struct packet packet;

	atomic_fetch_add_explicit(&visits->counters->visits, 1, memory_order_relaxed);
	switch (packet_parse(arrival->bytes.bytes, arrival->bytes.length, &packet)) {
	case PACKET_TCP:
		verdict_give(visits, arrival, &packet, visit_stream(visits, arrival, &packet));
		break;
	case PACKET_UDP:
		visit_udp(visits, arrival, &packet);
		break;
	default:
		verdict_give(visits, arrival, &packet, FATE_UNDECIDED);
		break;
	}
}
