#include "daemon/told.h"

#include <string.h>

static void fill_client(struct told *told, const struct flow *flow, const struct said *said)
{
	struct endpoint *client = &told->client;

	client->peer = client->address = flow->client;
	client->local = flow->server;
	client->transport = flow->kind == FLOW_STREAM ? TRANSPORT_TCP : TRANSPORT_UDP;
	client->start = client->end = clock_now();
	client->tls = said->protocol == PROTOCOL_TLS || said->protocol == PROTOCOL_QUIC;
	if (!client->tls)
		return;
	client->tls_facts = &told->tls;
	if (said->host)
		strcpy(told->tls.sni, said->host);
}

void told_begin(struct told *told, struct visits *visits, const struct flow *flow,
		const struct said *said)
{
	const uint8_t *mac = flow->mac_known ? flow->mac : NULL;
	const struct device *device = policy_device(visits->policy, &flow->client, mac);

	memset(told, 0, sizeof(*told));
	fill_client(told, flow, said);
	told->client.id = ids_next(&visits->ids);
	told->view = (struct connection_view){
		.id = ids_next(&visits->ids),
		.client = &told->client,
		.protocol = said->protocol,
		.host = said->host,
		.port_name = flow->port_name,
		.mac = mac,
		.device = device ? device->name : NULL,
		.generation = visits->policy->generation,
	};
}
