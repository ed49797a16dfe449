// link: daemon/packet/packet.c daemon/reader.c daemon/address.c
#include <stdlib.h>

#include "daemon/packet/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void require_inside(struct span span, const uint8_t *bytes, size_t length)
{
	if (span.length)
		require(span.bytes >= bytes && span.bytes + span.length <= bytes + length);
}

/* What was read can be said again. */
static void check_reprinted(const struct packet *packet)
{
	uint8_t out[PACKET_HEADERS_MAX];
	struct packet again;

	require(packet_parse(out, packet_print_tcp(packet, out), &again) == PACKET_TCP);
	require(address_equal(&again.source, &packet->source));
	require(address_equal(&again.destination, &packet->destination));
	require(again.sequence == packet->sequence && again.flags == packet->flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet;

	switch (packet_parse(data, size, &packet)) {
	case PACKET_TCP:
		require(packet.transport.length >= 20 && packet.transport.length <= 60);
		check_reprinted(&packet);
		break;
	case PACKET_UDP:
		require(packet.transport.length == 8);
		break;
	case PACKET_BROKEN:
		require(packet.source.family == AF_UNSPEC);
		return 0;
	default:
		require(!packet.payload.length && !packet.source.port);
		break;
	}
	require(packet.source.family == packet.destination.family);
	require(packet.network.length >= 20);
	require_inside(packet.network, data, size);
	require_inside(packet.transport, data, size);
	require_inside(packet.payload, data, size);
	return 0;
}
