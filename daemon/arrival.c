#include "daemon/arrival.h"

#include <string.h>

void arrival_note(const struct visits *visits, const struct queue_packet *arrival,
		  struct flow *flow)
{
	flow->mac_known = arrival->mac != NULL;
	if (arrival->mac)
		memcpy(flow->mac, arrival->mac, sizeof(flow->mac));
	for (size_t i = 0; i < visits->port_count; i++)
		if (visits->ports[i].index == arrival->port)
			flow->port_name = visits->ports[i].name;
}

struct flow *arrival_begin(struct visits *visits, const struct queue_packet *arrival,
			   const struct packet *packet, enum flow_kind kind)
{
	struct flow *flow =
		flows_begin(visits->flows, kind, &packet->source, &packet->destination);

	if (flow)
		arrival_note(visits, arrival, flow);
	return flow;
}
